/**
 * A relay driven past what it can: what live streams noticed, what newcomers were told, and how long after its end the
 * first of them was served again.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { createBallast, importOption } from '../ballast.ts';
import { Newcomers } from '../load/newcomers.ts';
import type { LoadReport } from '../load/port.ts';
import { residentMb } from '../process-usage.ts';
import { atMost } from '../report/target.ts';
import type { Figures, Outcome, Scenario } from '../scenario.ts';
import { onStage, type Round, type Stage } from '../stage.ts';
import type { Environment, Subject } from '../subjects/port.ts';
import { OPENING, rampOf, TRAFFIC } from './traffic.ts';

const WATCHED = 100;
const SETTLE_MS = 1000;
const CALM_MS = 3000;
const WELCOME_WITHIN_MS = 60_000;
const RECOVERS_WITHIN_S = 10;
/** As a relay has it that nobody has set up for a benchmark, ms. */
const DEFAULT_LAG_MS = '250';

const FIGURES: Scenario['figures'] = [
  { name: 'beforeP99', label: 'delta latency p99 of live streams before', unit: 'ms' },
  { name: 'inP99', label: 'the same in it', unit: 'ms' },
  { name: 'inMax', label: 'the latest delta in it', unit: 'ms' },
  { name: 'afterP99', label: 'the same after it', unit: 'ms' },
  { name: 'served', label: 'newcomers served meanwhile', unit: '' },
  { name: 'refusedHandshakes', label: 'newcomers refused with 503 at the handshake', unit: '' },
  { name: 'refusedStarts', label: 'starts refused as `unavailable`', unit: '' },
  { name: 'otherwise', label: 'newcomers told anything else, or nothing', unit: '', guard: atMost(0) },
  { name: 'cut', label: 'slow readers closed with 4503', unit: '' },
  {
    name: 'recovery',
    label: 'from its end until newcomers are served',
    unit: 's',
    targets: [atMost(RECOVERS_WITHIN_S)],
  },
  { name: 'peak', label: 'resident memory, peak', unit: 'MB' },
  { name: 'faults', label: 'faults seen by live streams', unit: '', guard: atMost(0) },
];

/** What was overload, and when it ended, on the clock of `performance`. */
interface Overload {
  readonly round: Round;
  readonly endedAt: number;
  /** Of the generators that made it. */
  readonly report?: LoadReport;
}

async function runOverload(
  subject: Subject,
  environment: Environment,
  overload: (stage: Stage) => Promise<Overload>,
  answerDeltas = TRAFFIC.answerDeltas,
): Promise<Outcome> {
  const asDeployed = { MAX_EVENT_LOOP_LAG_MS: DEFAULT_LAG_MS, ...environment };
  return onStage(subject, { ...TRAFFIC, answerDeltas }, asDeployed, async (stage) => {
    // The first generator is the one whose latencies a round reports.
    const watchers = await stage.load({
      name: 'w',
      connections: WATCHED,
      perConnection: 1,
      opening: OPENING,
    });
    await watchers.connect();
    await watchers.stream({ streams: WATCHED, rampMs: rampOf(WATCHED) });
    using newcomers = new Newcomers(stage.subject.port, stage.signer);
    await delay(SETTLE_MS);
    const before = await stage.round(CALM_MS);
    const cutBefore = await slowReadersClosed(stage);
    const begunAt = performance.now();
    const { round, endedAt, report } = await overload(stage);
    const recoveryMs = await newcomers.welcome(endedAt, WELCOME_WITHIN_MS);
    const told = newcomers.outcomes(begunAt);
    const cut = (await slowReadersClosed(stage)) - cutBefore;
    const after = await stage.round(CALM_MS);
    const faults = report?.faults ?? {};
    // A stream that has ended is followed by another one, and that is new.
    const { [FRAME_REFUSED]: followers = 0, ...liveFaults } = after.load.faults;
    const figures: Figures = {
      beforeP99: before.load.latency.p99,
      inP99: round.load.latency.p99,
      inMax: round.load.latency.max,
      afterP99: after.load.latency.p99,
      ...newcomersOf(told),
      refusedStarts: (told[START_REFUSED] ?? 0) + (faults[FRAME_REFUSED] ?? 0) + followers,
      cut,
      recovery: recoveryMs / 1000,
      peak: round.rssPeakMb,
      faults: Object.values(liveFaults).reduce((sum, each) => sum + each, 0),
    };
    return { rounds: [figures], faults: liveFaults };
  });
}

/** So far, as the relay counts them: the readers themselves find the close behind all that they have not taken. */
async function slowReadersClosed({ subject: { port } }: Stage): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const [, count] = /^dash_slow_readers_total\{outcome="closed"\} (\d+)$/m.exec(text) ?? [];
  if (count === undefined) throw new Error('the relay does not count slow readers');
  return Number(count);
}

const START_REFUSED = 'start: unavailable';
const FRAME_REFUSED = 'start: error unavailable';
const HANDSHAKE_REFUSED = 'http 503';

function newcomersOf(told: Readonly<Record<string, number>>): Figures {
  const { served = 0, [HANDSHAKE_REFUSED]: refusedHandshakes = 0, [START_REFUSED]: _, ...others } = told;
  const otherwise = Object.values(others).reduce((sum, each) => sum + each, 0);
  return { served, refusedHandshakes, otherwise };
}

/** Streams that are stopped at their first delta and asked again at once: each of so many, as fast as it is answered. */
const FLOOD = { connections: 100, perConnection: 10 };
const FLOOD_MS = 10_000;

export const overloadStarts: Scenario = {
  name: 'overload-starts',
  summary: `${FLOOD.connections * FLOOD.perConnection} streams are started and stopped again and again for ${FLOOD_MS / 1000} s beside ${WATCHED} live ones`,
  byNameOnly: 'half a minute',
  subjects: ['relay'],
  figures: FIGURES,
  run: (subject) => runOverload(subject, {}, floodWithStarts),
};

async function floodWithStarts(stage: Stage): Promise<Overload> {
  const flood = await stage.load({
    ...FLOOD,
    name: 'f',
    opening: OPENING,
    cancelAfter: [1, 1],
    deltasPerSecond: 20,
    nice: 10,
  });
  await flood.connect();
  await flood.stream({ streams: FLOOD.connections * FLOOD.perConnection, rampMs: 500 });
  const round = await stage.round(FLOOD_MS);
  const report = await flood.report();
  await flood[Symbol.asyncDispose]();
  return { round, report, endedAt: performance.now() };
}

const LIMIT_BYTES = 256 * 1024 * 1024;
/** Of the limit, one after the other: from 80, 90 and 95 % on less and less is left to anybody. */
const SHARES = [0.85, 0.92, 0.97];
const SHARE_MS = 4000;
const SLOW = { connections: 40, perConnection: 1, readBytesPerSecond: 1024, deltasPerSecond: 250 };
/** Longer than it all takes: what a slow reader has not taken of an answer that has ended lies in the kernel. */
const LONG_DELTAS = 20_000;
const PILE_UP_MS = 3000;

export const overloadMemory: Scenario = {
  name: 'overload-memory',
  summary: `a leak takes memory to 85, 92 and 97 % of ${LIMIT_BYTES / 1024 / 1024} MiB, and goes, beside ${SLOW.connections} readers that take 1 KiB/s and ${WATCHED} that keep up`,
  byNameOnly: 'half a minute',
  subjects: ['relay'],
  figures: FIGURES,
  run: squeezeMemory,
};

async function squeezeMemory(subject: Subject): Promise<Outcome> {
  using ballast = createBallast();
  const environment = { MEMORY_LIMIT_BYTES: String(LIMIT_BYTES), NODE_OPTIONS: importOption(ballast.script) };
  const squeeze = async (stage: Stage): Promise<Overload> => {
    const slow = await stage.load({ ...SLOW, name: 's', opening: OPENING });
    await slow.connect();
    await slow.stream({ streams: SLOW.connections, rampMs: rampOf(SLOW.connections) });
    await delay(PILE_UP_MS);
    const held = residentMb(pidOf(stage)) * 1e6;
    const round = stage.round(SHARES.length * SHARE_MS);
    for (const share of SHARES) {
      ballast.hold(share * LIMIT_BYTES - held);
      await delay(SHARE_MS);
    }
    const measured = await round;
    const report = await slow.report();
    ballast.hold(0);
    const endedAt = performance.now();
    await slow[Symbol.asyncDispose]();
    return { round: measured, report, endedAt };
  };
  return await runOverload(subject, environment, squeeze, LONG_DELTAS);
}

const BLOCKED_MS = 2000;
const AROUND_MS = 1000;

export const overloadBlocked: Scenario = {
  name: 'overload-blocked',
  summary: `its process holds still for ${BLOCKED_MS / 1000} s (SIGSTOP) beside ${WATCHED} live streams`,
  byNameOnly: 'a quarter of a minute',
  subjects: ['relay'],
  figures: FIGURES,
  run: (subject) => runOverload(subject, {}, block),
};

async function block(stage: Stage): Promise<Overload> {
  const pid = pidOf(stage);
  const round = stage.round(BLOCKED_MS + 2 * AROUND_MS);
  await delay(AROUND_MS);
  process.kill(pid, 'SIGSTOP');
  await delay(BLOCKED_MS);
  process.kill(pid, 'SIGCONT');
  const endedAt = performance.now();
  return { round: await round, endedAt };
}

function pidOf({ subject }: Stage): number {
  if (subject.pid === null) throw new Error('a subject without a process');
  return subject.pid;
}
