import { atMost } from '../report/target.ts';
import type { Outcome, Scenario } from '../scenario.ts';
import type { Subject } from '../subjects/port.ts';
import { startRedis } from '../subjects/redis-server.ts';
import { SOUNDNESS, soundness } from './soundness.ts';
import { lastOf, measureSteady } from './steady.ts';
import { cpuPerDelta } from './stream-steps.ts';

const STREAMS = 600;
const CONNECTIONS = 60;

export const redis: Scenario = {
  name: 'redis',
  summary: '600 streams, ten per socket, with the log in memory and with it in Redis on this machine',
  subjects: ['relay'],
  figures: [
    { name: 'off', label: 'CPU per delta without Redis', unit: 'µs' },
    { name: 'on', label: 'CPU per delta with Redis', unit: 'µs' },
    { name: 'ratio', label: 'CPU per delta, with Redis ÷ without', unit: '', targets: [atMost(1.15)] },
    { name: 'offP99', label: 'delta latency p99 without', unit: 'ms' },
    { name: 'onP99', label: 'delta latency p99 with', unit: 'ms' },
    ...SOUNDNESS,
  ],
  run: runRedis,
};

async function runRedis(subject: Subject): Promise<Outcome> {
  const shape = { streams: STREAMS, connections: CONNECTIONS };
  const off = lastOf((await measureSteady(subject, shape)).rounds);
  await using server = await startRedis();
  const withRedis = { ...shape, environment: { REDIS_URL: server.url } };
  const on = lastOf((await measureSteady(subject, withRedis)).rounds);
  if (!(await server.wasWritten())) throw new Error('REDIS_URL has no effect in this checkout');
  const figures = {
    off: cpuPerDelta(off),
    on: cpuPerDelta(on),
    ratio: cpuPerDelta(on) / cpuPerDelta(off),
    offP99: off.load.latency.p99,
    onP99: on.load.latency.p99,
    ...soundness(on),
  };
  return { rounds: [figures], faults: on.load.faults };
}
