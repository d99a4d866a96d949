import { type Distribution, Histogram } from '../histogram.ts';
import { mintTokens } from '../issuer/tokens.ts';
import { CancelClient } from '../load/cancel-client.ts';
import { atMost } from '../report/target.ts';
import type { Figures, Outcome, Scenario } from '../scenario.ts';
import { onStage } from '../stage.ts';
import type { Subject } from '../subjects/port.ts';
import { startRedis } from '../subjects/redis-server.ts';
import { FAULTS } from './soundness.ts';

/** Fast, so that few deltas come soon; long enough for none to end by itself. */
const TRAFFIC = { deltasPerSecond: 100, answerDeltas: 2000, firstTokenMs: [0, 5] } as const;
const DELTAS_BEFORE = 3;
const ROUNDS = 2;
/** Of each kind, in a round. */
const CANCELS = 100;

export const cancelElsewhere: Scenario = {
  name: 'cancel-elsewhere',
  summary: 'one stream after another, cancelled on a connection to its own machine or to another, over Redis',
  subjects: ['relay'],
  byNameOnly: 'half a minute',
  figures: [
    { name: 'localP50', label: 'cancel sent → `cancelled` read on its own machine, p50', unit: 'ms' },
    { name: 'localP99', label: 'the same, p99', unit: 'ms' },
    { name: 'elsewhereP50', label: 'cancel sent → `cancelled` read on another machine, p50', unit: 'ms' },
    { name: 'elsewhereP99', label: 'the same, p99', unit: 'ms' },
    { name: 'ratio', label: 'p50, another machine ÷ its own', unit: '', targets: [atMost(2)] },
    FAULTS,
  ],
  run: runCancelElsewhere,
};

async function runCancelElsewhere(subject: Subject): Promise<Outcome> {
  await using server = await startRedis();
  const environment = { REDIS_URL: server.url };
  return await onStage(subject, TRAFFIC, environment, async (stage) => {
    const other = await stage.another(environment);
    const [token = ''] = mintTokens(stage.signer, 'cancel-elsewhere', 1);

    const open = ({ port }: { readonly port: number }) => CancelClient.open(port, stage.subject.door, token);
    const [reader, local, elsewhere] = [
      await open(stage.subject),
      await open(stage.subject),
      await open(other),
    ];
    const rounds: Figures[] = [];
    while (rounds.length < ROUNDS) rounds.push(await measure(reader, local, elsewhere));

    for (const client of [reader, local, elsewhere]) client.close();
    return { rounds };
  });
}

/** Taking turns, so that whatever slows the machine slows both. */
async function measure(reader: CancelClient, local: CancelClient, elsewhere: CancelClient): Promise<Figures> {
  const [here, there] = [new Histogram(), new Histogram()];
  let faults = 0;
  for (let turn = 0; turn < CANCELS * 2; turn += 1) {
    const id = await reader.start(DELTAS_BEFORE);
    const micros = await (turn % 2 === 0 ? local : elsewhere).cancel(id);
    if (micros === undefined) faults += 1;
    else (turn % 2 === 0 ? here : there).record(micros);
  }
  return {
    ...figuresOf('local', here.summary()),
    ...figuresOf('elsewhere', there.summary()),
    faults,
    ratio: there.summary().p50 / here.summary().p50,
  };
}

function figuresOf(where: string, { p50, p99 }: Distribution): Figures {
  return { [`${where}P50`]: p50, [`${where}P99`]: p99 };
}
