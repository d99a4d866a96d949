/**
 * The network between the relay and the model, which a proxy spoils: F1, F3, F4, F7, and half-open connections. At every
 * door there is one ending, the text is what came, and the row says the same.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { DOORS, type Held } from '../support/doors.ts';
import { type FaultProxy, type LinkPlan, startFaultProxy } from '../support/fault-proxy.ts';
import { type ComposedRelay, startRelay, upstreamAt } from '../support/relay-process.ts';
import { eventually } from '../support/test-run.ts';

/** What this relay waits for the model, ms. */
const CONNECT_MS = 5000;
const IDLE_MS = 4000;
const DELTAS = Array.from({ length: 20 }, (_, at) => `word ${at} – `);
const TEXT = DELTAS.join('');
/** Where the answer has begun and is not at its end. */
const MIDWAY = 1500;

const WHOLE: readonly (readonly [string, LinkPlan])[] = [
  ['is late', { latencyMs: 20 }],
  ['is slow', { bytesPerSecond: 40_000 }],
  ['comes three bytes at a time', { sliceBytes: 3 }],
  ['comes in small pieces, each late', { sliceBytes: 700, latencyMs: 2 }],
  ['ends late', { slowCloseMs: 200 }],
];

const BROKEN: readonly (readonly [string, LinkPlan, Held['ending']])[] = [
  ['is reset', { fault: { afterBytes: MIDWAY, kind: 'reset' } }, 'upstream_reset'],
  ['ends', { fault: { afterBytes: MIDWAY, kind: 'cut' } }, 'upstream_reset'],
  ['ends on this side alone', { fault: { afterBytes: MIDWAY, kind: 'half-open' } }, 'upstream_reset'],
  ['carries nothing more', { fault: { afterBytes: MIDWAY, kind: 'blackhole' } }, 'upstream_timeout'],
  [
    'carries nothing from the first byte on',
    { fault: { afterBytes: 1, kind: 'blackhole' } },
    'upstream_timeout',
  ],
];

let plan: LinkPlan = {};
let simulator: Simulator;
let proxy: FaultProxy;
let relay: ComposedRelay;

beforeAll(async () => {
  simulator = await startSimulator({ pace: { firstTokenMs: 1, deltasPerSecond: 2000 } });
  simulator.always({ deltas: DELTAS });
  proxy = await startFaultProxy(simulator.url, () => plan);
  relay = await startRelay({
    ...upstreamAt(proxy.url),
    UPSTREAM_CONNECT_MS: String(CONNECT_MS),
    UPSTREAM_IDLE_MS: String(IDLE_MS),
  });
});
afterAll(async () => {
  await relay[Symbol.asyncDispose]();
  await proxy.close();
  await simulator.close();
});
beforeEach(() => {
  // A connection that is kept has the plan that it began with.
  for (const link of proxy.links) link.reset();
});

let asked = 0;
/** The same question at every door, each over a connection of its own to the model, and its row. */
async function askEverywhere(how: LinkPlan) {
  plan = how;
  const token = await relay.token();
  const answers = await Promise.all(
    DOORS.map(async (door) => {
      asked += 1;
      const id = `over-a-spoilt-network-${asked}`;
      const messages = [{ role: 'user' as const, content: 'Why?' }];
      const held = await door.ask(relay.url, token, { id, action: 'chat', messages });
      const rows = (await relay.usageRows()).filter(({ streamId }) => streamId === id);
      return { ...held, rows: rows.map(({ status, code }) => `${status} ${code}`) };
    }),
  );
  for (const link of proxy.links) link.reset();
  await eventually('no request is open', () => simulator.stats.open === 0);
  return answers;
}

describe('the same whole text where the network to the model', () => {
  it.each(WHOLE)('%s', async (_what, how) => {
    for (const { text, ending, rows } of await askEverywhere(how))
      expect([text, ending, ...rows]).toEqual([TEXT, 'done', 'done null']);
  });
});

describe('one clear ending, after what came, where the network to the model', () => {
  it.each(BROKEN)('%s', async (_what, how, code) => {
    for (const { text, ending, rows } of await askEverywhere(how)) {
      expect([ending, ...rows]).toEqual([code, `error ${code}`]);
      expect(TEXT.startsWith(text)).toBe(true);
      expect(text.length).toBeLessThan(TEXT.length);
    }
  });
});

it('and the next question is answered', async () => {
  for (const { text } of await askEverywhere({})) expect(text).toBe(TEXT);
});
