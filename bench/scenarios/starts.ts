/** What a short answer costs: starting it, its one delta, its ending. And how that grows with what a user has left behind. */
import type { Scenario } from '../scenario.ts';
import type { Round } from '../stage.ts';
import type { Subject } from '../subjects/port.ts';
import { SOUNDNESS, soundness } from './soundness.ts';
import { type Course, lastOf, measureSteady, outcomeOf } from './steady.ts';

const STREAMS = 200;
/** A third of a second to the only delta: some 600 answers a second. */
const ONE_DELTA = { answerDeltas: 1, firstTokenMs: [300, 340] as const };
const ROUND_MS = 4000;
export const starts: Scenario = {
  name: 'starts',
  summary:
    '200 users, each with a socket, ask again as soon as they have their answer of one delta; the second round',
  subjects: ['relay'],
  figures: [
    { name: 'startCpu', label: 'CPU per answer', unit: 'µs' },
    { name: 'startsPerSecond', label: 'answers', unit: '/s' },
    ...SOUNDNESS,
  ],
  run: async (subject) =>
    outcomeOf(await measureStarts(subject, STREAMS), (round) => ({
      startCpu: cpuPerStart(round),
      startsPerSecond: round.load.starts / round.seconds,
      ...soundness(round),
    })),
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
  const measured: Round[] = [];
  for (const users of USERS) {
    const { rounds } = await measureStarts(subject, users);
    const round = lastOf(rounds);
    figures[`startCpu${users}`] = cpuPerStart(round);
    figures[`kept${users}`] = rounds.reduce((sum, { load }) => sum + load.starts, 0) / users;
    measured.push(round);
  }
  const last = lastOf(measured);
  return { rounds: [{ ...figures, ...soundness(last) }], faults: last.load.faults };
}

function measureStarts(subject: Subject, users: number): Promise<Course> {
  return measureSteady(subject, {
    streams: STREAMS,
    connections: users,
    traffic: ONE_DELTA,
    settleMs: 0,
    roundMs: ROUND_MS,
  });
}

function cpuPerStart({ cpuMicros, load }: Round): number {
  return cpuMicros / Math.max(1, load.starts);
}
