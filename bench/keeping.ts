/**
 * `npm run bench:keeping`: what it costs to keep answers (KEEP_ANSWERS_HOURS). A relay with it on its disk beside one without, and one
 * with it in Postgres beside one that has Postgres and keeps nothing, taking turns; then what so many kept answers weigh on the disk and in Postgres.
 */
import { statSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { AnswerShipper } from '../src/answers/answer-shipper.ts';
import { PostgresAnswers } from '../src/answers/postgres-answers.ts';
import { AnswerKeys } from '../src/answers/seal.ts';
import { openUsageLedger } from '../src/ledger/ledger.ts';
import { ledgerFile } from '../src/ledger/schema.ts';
import { openPostgresPool } from '../src/postgres/pool.ts';
import { loadPrices } from '../src/pricing/prices.ts';
import { NO_USAGE } from '../src/protocol/usage-reading.ts';
import { systemClock } from '../src/time/clock.ts';
import { SpokenAnswer } from '../test/answers/spoken-answer.ts';
import { type PostgresServer, startPostgres } from '../test/support/postgres.ts';
import { intentOf } from '../test/usage/runs.ts';
import { runProgram } from './program.ts';
import { renderComparison } from './report/comparison.ts';
import { saveRun } from './report/save.ts';
import { runAll } from './run-all.ts';
import { speed10 } from './scenarios/check-speed.ts';
import { firstTokenTail } from './scenarios/first-token.ts';
import { relaySubject } from './subjects/relay.ts';
import { temporaryDirectory } from './temporary-directory.ts';
import { HERE } from './worktree.ts';

const OUT = new URL('results/keeping', import.meta.url).pathname;
/** CPU of a delta, and of a whole stream of few deltas. */
const SCENARIOS = [speed10, firstTokenTail];
const PAIRS = [
  ['kept', 'off'],
  ['shipped', 'postgres'],
] as const;
const KEY = Buffer.from(Array.from({ length: 32 }, (_, at) => at * 7)).toString('base64');
/** As the model says them: 300 deltas of four letters and a space, 1,500 characters. */
const WORDS = Array.from({ length: 300 }, (_, index) => `${(index * 7919).toString(36).padStart(4, 'a')} `);
const AT_ONCE = 500;

await runProgram(async (args) => {
  const { values } = parseArgs({
    args,
    options: {
      repeat: { type: 'string', default: '5' },
      weigh: { type: 'string', default: '20000,100000' },
      only: { type: 'string' },
    },
  });
  const postgres = await startPostgres({ settings: ['fsync=on', 'full_page_writes=on'] });
  try {
    const failures = values.only === 'weight' ? 0 : await measureCpu(Number(values.repeat), postgres);
    if (values.only !== 'cpu')
      for (const answers of values.weigh.split(',').map(Number)) await weigh(answers, postgres);
    return failures === 0 ? 0 : 1;
  } finally {
    await postgres.close();
  }
});

async function measureCpu(repeat: number, postgres: PostgresServer): Promise<number> {
  const tree = { entry: 'src/main.ts', nodeOptions: '', directory: HERE };
  const kept = { KEEP_ANSWERS_HOURS: '24', ANSWERS_KEY: KEY };
  const database = { DATABASE_URL: postgres.url('relay') };
  const results = await runAll({
    scenarios: SCENARIOS,
    repeat,
    relays: [
      relaySubject({ ...tree, name: 'off' }),
      relaySubject({ ...tree, name: 'kept', environment: kept }),
      relaySubject({ ...tree, name: 'postgres', environment: database }),
      relaySubject({ ...tree, name: 'shipped', environment: { ...kept, ...database } }),
    ],
    bundles: [],
    peers: [],
  });
  const markdown = PAIRS.map((pair) => renderComparison(results, SCENARIOS, pair)).join('\n');
  saveRun(OUT, results, markdown, []);
  process.stdout.write(`${markdown}\nwritten to ${OUT}\n`);
  return results.failures.length;
}

/** Each of a user of its own, ended: in the ledger's file, then in Postgres, readable and sealed. */
async function weigh(answers: number, postgres: PostgresServer): Promise<void> {
  for (const keys of [new AnswerKeys(), new AnswerKeys([Buffer.from(KEY, 'base64')])]) {
    using data = temporaryDirectory('keeping');
    await postgres.query('TRUNCATE dash_relay.answers CASCADE');
    const complain = (what: string, cause?: unknown) => process.stderr.write(`${what}: ${String(cause)}\n`);
    const ledger = openUsageLedger({
      dataDir: data.path,
      prices: () => loadPrices(),
      clock: systemClock,
      answerKeys: keys,
      onError: complain,
    });
    const empty = await fill(ledger, answers, false, data.path);
    const onDisk = (await fill(ledger, answers, true, data.path)) - empty;
    const pool = openPostgresPool(postgres.url('relay'), 2, () => {});
    const onSealed = () => complain('sealed');
    const shipper = new AnswerShipper({
      answers: ledger.answers,
      postgres: new PostgresAnswers({ pool, keys, forgottenMs: 1, onSealed }),
      clock: systemClock,
      isKeeping: true,
      onOutage: ({ cause }) => complain('outage', cause),
      onRecovered() {},
      onRefused: ({ reason }) => complain('refused', reason),
    });
    while (ledger.answers.length > 0) await new Promise((resolve) => setTimeout(resolve, 50));
    await shipper.close();
    const [row] = await postgres.query<{ bytes: string }>(
      "SELECT pg_total_relation_size('dash_relay.answers') AS bytes",
    );
    await pool.close();
    await ledger.close();
    const perAnswer = (bytes: number) =>
      `${Math.round(bytes / answers)} bytes each, a million ${gigabytes((bytes / answers) * 1e6)} (reckoned)`;
    process.stdout.write(
      `${answers} answers of ${WORDS.join('').length} characters, ${keys.isSet ? 'ANSWERS_KEY' : 'no key'}: SQLite ${perAnswer(onDisk)}; Postgres ${perAnswer(Number(row?.bytes))}\n`,
    );
  }
}

/** With their usage rows; how large the file is then. */
async function fill(
  ledger: ReturnType<typeof openUsageLedger>,
  answers: number,
  isKept: boolean,
  dataDir: string,
): Promise<number> {
  for (let first = 0; first < answers; first += AT_ONCE)
    await Promise.all(
      Array.from({ length: AT_ONCE }, async (_, index) => {
        const user = (first + index).toString(16).padStart(12, '0');
        const userId = `00000000-0000-4000-8000-${user}`;
        const answer = new SpokenAnswer(intentOf({ userId, startedAt: Date.now() }));
        if (isKept) await answer.open(ledger);
        else await ledger.open(answer.intent, () => NO_USAGE);
        answer.say(...WORDS);
        await answer.settle(ledger);
        answer.release();
      }),
    );
  await ledger.answers.forget('nobody'); // the file is whole once its log is empty
  return statSync(ledgerFile(dataDir)).size;
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(2)} GB`;
}
