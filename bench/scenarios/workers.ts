/** Two processes on one port beside a single one: what a delta costs both of them, who got how many connections, how far they go. */
import { setTimeout as delay } from 'node:timers/promises';
import { childrenOf, socketsOf, startCpu } from '../process-usage.ts';
import { atLeast, atMost } from '../report/target.ts';
import type { Figures, Outcome, Scenario } from '../scenario.ts';
import { onStage, type Round } from '../stage.ts';
import type { Environment, Subject } from '../subjects/port.ts';
import { startRedis } from '../subjects/redis-server.ts';
import { runSaturation } from './saturation.ts';
import { SOUNDNESS, soundness } from './soundness.ts';
import { lastOf, measureSteady } from './steady.ts';
import { cpuPerDelta } from './stream-steps.ts';
import { OPENING, rampOf, TRAFFIC } from './traffic.ts';

const STREAMS = 600;
const CONNECTIONS = 60;
const COUNT = 2;
const SETTLE_MS = 1000;
const ROUND_MS = 2000;
/** The generator leaves the cores to what is measured. */
const NICE = 10;

export const workers: Scenario = {
  name: 'workers',
  summary: '600 streams, ten per socket, by one process and by two that share a port and a Redis',
  byNameOnly: 'a minute',
  subjects: ['relay'],
  figures: [
    { name: 'one', label: 'CPU per delta, one process', unit: 'µs' },
    { name: 'oneRedis', label: 'CPU per delta, one process with Redis', unit: 'µs' },
    { name: 'two', label: 'CPU per delta, two processes and their parent, with Redis', unit: 'µs' },
    { name: 'ratio', label: 'CPU per delta, two ÷ one', unit: '', targets: [atMost(1.15)] },
    { name: 'ratioRedis', label: 'CPU per delta, two ÷ one with Redis', unit: '' },
    { name: 'parent', label: 'CPU per delta of the parent alone', unit: 'µs' },
    { name: 'redisServer', label: 'CPU per delta of the Redis server, with two', unit: 'µs' },
    {
      name: 'least',
      label: 'connections of the process that got fewest, share of an equal part',
      unit: '',
      targets: [atLeast(0.5)],
    },
    { name: 'rss', label: 'resident memory of all three, peak', unit: 'MB' },
    { name: 'p99', label: 'delta latency p99, two', unit: 'ms' },
    ...SOUNDNESS,
  ],
  run: runWorkers,
};

export const workersSaturation: Scenario = {
  name: 'workers-saturation',
  summary: 'as saturation, one process and then two with Redis, the generator on nice 10',
  byNameOnly: 'two minutes',
  subjects: ['relay'],
  figures: [
    { name: 'one', label: 'most streams that one process served in time', unit: '' },
    { name: 'two', label: 'most streams that two served in time', unit: '' },
    { name: 'ratio', label: 'two ÷ one', unit: '' },
    { name: 'oneBusy', label: 'one process then', unit: '% of a core' },
    { name: 'twoBusy', label: 'two then', unit: '% of a core' },
    { name: 'oneP99', label: 'delta latency p99 then, one', unit: 'ms' },
    { name: 'twoP99', label: 'delta latency p99 then, two', unit: 'ms' },
    { name: 'loadBusy', label: 'load generator, with two', unit: '% of a core' },
    { name: 'upstreamBusy', label: 'upstream, with two', unit: '% of a core' },
  ],
  run: runWorkersSaturation,
};

async function runWorkers(subject: Subject): Promise<Outcome> {
  const shape = { streams: STREAMS, connections: CONNECTIONS };
  const one = lastOf((await measureSteady(subject, shape)).rounds);
  await using redis = await startRedis();
  const environment = { REDIS_URL: redis.url };
  const oneRedis = lastOf((await measureSteady(subject, { ...shape, environment })).rounds);
  const { round, ...shares } = await measureTwo(subject, together(redis.url), redis.pid);
  if (!(await redis.wasWritten())) throw new Error('WORKERS has no effect in this checkout');
  const figures = {
    one: cpuPerDelta(one),
    oneRedis: cpuPerDelta(oneRedis),
    two: cpuPerDelta(round),
    ratio: cpuPerDelta(round) / cpuPerDelta(one),
    ratioRedis: cpuPerDelta(round) / cpuPerDelta(oneRedis),
    rss: round.rssPeakMb,
    p99: round.load.latency.p99,
    ...shares,
    ...soundness(round),
  };
  return { rounds: [figures], faults: round.load.faults };
}

interface Two {
  readonly round: Round;
  readonly parent: number;
  readonly redisServer: number;
  readonly least: number;
}

async function measureTwo(subject: Subject, environment: Environment, redisPid: number): Promise<Two> {
  return onStage(subject, TRAFFIC, environment, async (stage) => {
    const { pid } = stage.subject;
    if (pid === null) throw new Error('the relay is a process');
    const processes = childrenOf(pid);
    if (processes.length !== COUNT) throw new Error('WORKERS has no effect in this checkout');
    const sockets = () => processes.map(socketsOf);
    const before = sockets();
    const load = await stage.load({
      name: 'c',
      connections: CONNECTIONS,
      perConnection: STREAMS / CONNECTIONS,
      opening: OPENING,
    });
    await load.connect();
    const connections = sockets().map((count, index) => count - (before[index] ?? 0));
    await load.stream({ streams: STREAMS, rampMs: rampOf(STREAMS) });
    await delay(SETTLE_MS);
    await stage.round(ROUND_MS); // warms up
    const [all, redis] = [startCpu(pid), startCpu(redisPid)];
    const each = processes.map(startCpu);
    const round = await stage.round(ROUND_MS);
    const ofProcesses = each.reduce((sum, cpu) => sum + cpu(), 0);
    const { deltas } = round.load;
    return {
      round,
      parent: Math.max(0, all() - ofProcesses) / deltas,
      redisServer: redis() / deltas,
      least: Math.min(...connections) / (CONNECTIONS / COUNT),
    };
  });
}

async function runWorkersSaturation(subject: Subject): Promise<Outcome> {
  const one = await runSaturation(subject, {}, NICE);
  await using redis = await startRedis();
  const two = await runSaturation(subject, together(redis.url), NICE);
  const [ofOne, ofTwo] = [lastOf(one.rounds), lastOf(two.rounds)];
  const figures: Figures = {
    one: of(ofOne, 'streams'),
    two: of(ofTwo, 'streams'),
    ratio: of(ofTwo, 'streams') / of(ofOne, 'streams'),
    oneBusy: of(ofOne, 'busy'),
    twoBusy: of(ofTwo, 'busy'),
    oneP99: of(ofOne, 'p99'),
    twoP99: of(ofTwo, 'p99'),
    loadBusy: of(ofTwo, 'loadBusy'),
    upstreamBusy: of(ofTwo, 'upstreamBusy'),
  };
  return { rounds: [figures], faults: { ...one.faults, ...two.faults } };
}

function together(redisUrl: string): Environment {
  return { WORKERS: String(COUNT), REDIS_URL: redisUrl };
}

function of(figures: Figures, name: string): number {
  return figures[name] ?? Number.NaN;
}
