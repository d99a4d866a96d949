import { setTimeout as delay } from 'node:timers/promises';
import { atMost } from '../report/target.ts';
import type { Outcome, Scenario } from '../scenario.ts';
import { onStage } from '../stage.ts';
import type { Subject } from '../subjects/port.ts';
import { FAULTS, soundness } from './soundness.ts';
import { OPENING, rampOf, TRAFFIC } from './traffic.ts';

const CONNECTIONS = 10_000;
const STREAMS = 1000;
const SETTLE_MS = 1500;
const ROUND_MS = 2500;

export const connections: Scenario = {
  name: 'connections',
  summary: '10,000 idle connections, then 1,000 streams on as many of them',
  subjects: ['relay', 'bundle'],
  figures: [
    { name: 'idleRss', label: 'resident memory, idle, peak', unit: 'MB', targets: [atMost(130)] },
    {
      name: 'bothRss',
      label: 'resident memory, with streams, peak',
      unit: 'MB',
      targets: [atMost(190)],
    },
    { name: 'connected', label: 'connections', unit: '' },
    { name: 'idleBusy', label: 'CPU while idle', unit: '% of a core' },
    { name: 'handshakeCpu', label: 'CPU per handshake, ES256 verified, cold start included', unit: 'µs' },
    { name: 'bothP99', label: 'delta latency p99', unit: 'ms' },
    FAULTS,
  ],
  run: (subject) => runConnections(subject),
};

async function runConnections(subject: Subject): Promise<Outcome> {
  return onStage(subject, TRAFFIC, {}, async (stage) => {
    const load = await stage.load({
      name: 'c',
      connections: CONNECTIONS,
      perConnection: 1,
      opening: OPENING,
    });
    const spent = stage.startCpu();
    await load.connect();
    const handshakes = spent();
    await delay(SETTLE_MS);
    const idle = await stage.round(ROUND_MS);
    await load.stream({ streams: STREAMS, rampMs: rampOf(STREAMS) });
    await delay(SETTLE_MS);
    const both = await stage.round(ROUND_MS);
    const figures = {
      idleRss: idle.rssPeakMb,
      bothRss: both.rssPeakMb,
      connected: both.load.connected,
      idleBusy: idle.cpuMicros / (idle.seconds * 10_000),
      handshakeCpu: handshakes / CONNECTIONS,
      bothP99: both.load.latency.p99,
      faults: soundness(both)['faults'] ?? 0,
    };
    return {
      rounds: [figures],
      curves: { memory: stage.memory() },
      faults: both.load.faults,
    };
  });
}
