/** What a short answer costs: starting it, its one delta, its ending. And how that grows with what a user has left behind. */
import type { Scenario } from '../scenario.ts';
import { onStage, type Round } from '../stage.ts';
import type { Subject } from '../subjects/port.ts';
import { SOUNDNESS, soundness } from './soundness.ts';
import { measureSteady, outcomeOf } from './steady.ts';
import { OPENING, rampOf, TRAFFIC } from './traffic.ts';

const STREAMS = 200;
/** A third of a second to the only delta: some 600 answers a second. */
const ONE_DELTA = { answerDeltas: 1, firstTokenMs: [300, 340] as const };
const ROUND_MS = 4000;
const FIGURES = [
  { name: 'startCpu', label: 'CPU per answer', unit: 'µs' },
  { name: 'startsPerSecond', label: 'answers', unit: '/s' },
  ...SOUNDNESS,
];

export const starts: Scenario = {
  name: 'starts',
  summary:
    '200 users, each with a socket, ask again as soon as they have their answer of one delta; the second round',
  subjects: ['relay'],
  figures: FIGURES,
  run: async (subject) =>
    outcomeOf(
      await measureSteady(subject, {
        streams: STREAMS,
        connections: STREAMS,
        traffic: ONE_DELTA,
        settleMs: 0,
        roundMs: ROUND_MS,
      }),
      startFigures,
    ),
};

/** Users by whom the same answers are asked: the fewer, the more each has that can still be resumed. */
const USERS = [200, 50, 5];

export const kept: Scenario = {
  name: 'kept',
  byNameOnly: 'how cost grows',
  summary: 'the same of 200, 50 and 5 users: some 30, 100 and 1,000 ended answers are kept for each',
  subjects: ['relay'],
  figures: [
    ...USERS.flatMap((users) => [
      { name: `startCpu${users}`, label: `CPU per answer, ${users} users`, unit: 'µs' },
      { name: `kept${users}`, label: `answers kept of each, ${users} users`, unit: '' },
    ]),
    ...SOUNDNESS,
  ],
  run: runKept,
};

async function runKept(subject: Subject) {
  const figures: Record<string, number> = {};
  let last: Round | undefined;
  for (const users of USERS) {
    const { round, answers } = await secondRound(subject, users);
    figures[`startCpu${users}`] = cpuPerStart(round);
    figures[`kept${users}`] = answers / users;
    last = round;
  }
  if (last === undefined) throw new Error('no round was measured');
  return { rounds: [{ ...figures, ...soundness(last) }], faults: last.load.faults };
}

/** @returns with how many answers had been asked for at its end */
function secondRound(subject: Subject, users: number): Promise<{ round: Round; answers: number }> {
  return onStage(subject, { ...TRAFFIC, ...ONE_DELTA }, {}, async (stage) => {
    const perConnection = STREAMS / users;
    const load = await stage.load({ name: 'c', connections: users, perConnection, opening: OPENING });
    await load.connect();
    await load.stream({ streams: STREAMS, rampMs: rampOf(STREAMS) });
    const first = await stage.round(ROUND_MS);
    const round = await stage.round(ROUND_MS);
    return { round, answers: first.load.starts + round.load.starts };
  });
}

function startFigures(round: Round) {
  return {
    startCpu: cpuPerStart(round),
    startsPerSecond: round.load.starts / round.seconds,
    ...soundness(round),
  };
}

function cpuPerStart({ cpuMicros, load }: Round): number {
  return cpuMicros / Math.max(1, load.starts);
}
