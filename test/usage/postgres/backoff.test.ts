import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { UsageSink } from '../../../src/ledger/usage-sink.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { manyRuns, type Shipping, startShipping } from './shipping.ts';

let clock: ManualClock;
let shipping: Shipping;
/** Rows of each call. */
let calls: number[];
let failure: Error | undefined;

const sink = (): UsageSink => ({
  async insert(rows) {
    calls.push(rows.length);
    if (failure !== undefined) throw failure;
    return clock.now();
  },
  close: async () => {},
});

beforeEach(() => {
  clock = new ManualClock();
  calls = [];
  failure = undefined;
  shipping = startShipping({ url: 'postgres://127.0.0.1:1/never', clock, sink });
});
afterEach(() => shipping.close());

/** Time passes, in steps that let promises and the ledger's writes run in between. */
async function pass(ms: number): Promise<void> {
  clock.advance(ms);
  for (let turn = 0; turn < 20; turn += 1) await nextTurn();
}

it('runs settled within a quarter of a second leave together', async () => {
  await pass(0);
  calls.length = 0;
  await shipping.settle(...manyRuns(3));
  await pass(100);
  await shipping.settle({});
  await pass(149);
  expect(calls).toEqual([]);
  await pass(1);
  expect(calls).toEqual([4]);
});

it('while Postgres fails it is asked after 1, 2, 4 … 60 seconds, however much is settled, and the operator hears once', async () => {
  failure = new Error('down');
  await shipping.settle({});
  await pass(250);
  calls.length = 0;
  const pauses: number[] = [];
  for (let round = 0; round < 8; round += 1) {
    let waited = 0;
    const before = calls.length;
    while (calls.length === before) {
      await shipping.settle({});
      await pass(1000);
      waited += 1000;
    }
    pauses.push(waited);
  }
  // The first steps may have passed before.
  expect(pauses.slice(-6)).toEqual([4000, 8000, 16_000, 32_000, 60_000, 60_000]);
  expect(shipping.events).toEqual([{ kind: 'outage', of: 'outage', unshipped: expect.any(Number) }]);
  expect(shipping.shipper.up).toBe(false);

  failure = undefined;
  const waiting = shipping.ledger.outbox.length;
  await pass(60_000);
  await pass(0);
  expect(shipping.events.at(-1)).toEqual({ kind: 'recovered', shipped: waiting });
  expect(shipping.ledger.outbox.length).toBe(0);
  expect(shipping.shipper.up).toBe(true);
});

it('without anything to send it asks each minute whether Postgres is there', async () => {
  await pass(0);
  expect(calls).toEqual([0]);
  failure = new Error('down');
  await pass(60_250);
  expect(calls).toEqual([0, 0]);
  expect(shipping.shipper.up).toBe(false);
});

it('a database without the tables is an outage with another word', async () => {
  failure = Object.assign(new Error('relation "dash_relay.usage" does not exist'), { code: '42P01' });
  await shipping.settle({});
  await pass(250);
  expect(shipping.events).toEqual([{ kind: 'outage', of: 'schema', unshipped: expect.any(Number) }]);
  expect(shipping.ledger.outbox.refused).toBe(0);
});
