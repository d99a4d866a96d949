import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type LocalUsageLedger, openUsageLedger } from '../../src/ledger/ledger.ts';
import { loadPrices } from '../../src/pricing/prices.ts';
import { type AttemptResult, type DeliveryOutcome, WebhookEndpoint } from '../../src/webhooks/endpoint.ts';
import { eventsOfRun } from '../../src/webhooks/stream-events.ts';
import { WebhookSender } from '../../src/webhooks/webhook-sender.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { intentOf, newDataDir, readingOf, settlementOf } from '../usage/runs.ts';
import { type Manner, SECRET, startReceiver } from './receiver.ts';

const OTHER_SECRET = `whsec_${Buffer.alloc(32, 'the one before').toString('base64')}`;
const prices = loadPrices();
const SECOND = 1000;
const HOUR = 3_600_000;
const FAILS: AttemptResult = { outcome: 'status', status: 500, retryAfterMs: null };

let directory = newDataDir();
/** The sender's. That of the ledger, which does something twenty times a second, stands still. */
let clock = new ManualClock();
let ledgerClock = new ManualClock();
let receiver: Awaited<ReturnType<typeof startReceiver>>;
let ledger: LocalUsageLedger;
let sender: WebhookSender;
let outcomes: DeliveryOutcome[];
let told: string[];
let watch: () => void = () => {};
/** In place of the endpoint, where only times matter. */
let stand: (() => AttemptResult) | undefined;
let begun = 0;

function attempted(count: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  watch = () => outcomes.length >= count && resolve();
  watch();
  return promise;
}

beforeEach(async () => {
  directory = newDataDir();
  clock = new ManualClock();
  ledgerClock = new ManualClock();
  stand = undefined;
  begun = 0;
  outcomes = [];
  told = [];
  receiver = await startReceiver();
  ledger = openUsageLedger({
    dataDir: directory.path,
    prices: () => prices,
    eventsOf: eventsOfRun,
    clock: ledgerClock,
    onError: (what) => expect.unreachable(what),
  });
  const secrets = [OTHER_SECRET, SECRET];
  const endpoint = new WebhookEndpoint({ url: receiver.url, secrets, reach: 'loopback', clock });
  sender = new WebhookSender({
    events: ledger.webhookEvents,
    deliver: async (id, body, signal) => {
      begun += 1;
      return stand?.() ?? (await endpoint.deliver(id, body, signal));
    },
    clock,
    random: () => 0.5,
    onAttempt: ({ outcome }) => {
      outcomes.push(outcome);
      watch();
    },
    onAway: ({ outcome, status }) => told.push(`away ${outcome} ${status}`),
    onBack: () => told.push('back'),
    onDead: ({ webhookId, outcome }) => told.push(`dead ${webhookId} ${outcome}`),
    onGone: () => told.push('gone'),
  });
});

afterEach(async () => {
  await sender.close();
  await ledger.close();
  await receiver[Symbol.asyncDispose]();
  directory.remove();
  expect(clock.pending, 'timers left behind').toBe(0);
});

async function settle(streamId: string, epoch: string): Promise<void> {
  const intent = intentOf({ streamId, epoch });
  await ledger.open(intent, () => readingOf());
  await ledger.settle(settlementOf(epoch));
}

/** Moves time on, a second at a time, while nothing is under way. */
async function until(probe: () => boolean): Promise<void> {
  for (let turns = 0; !probe(); turns += 1) {
    expect(turns).toBeLessThan(100_000);
    if (begun === outcomes.length) clock.advance(SECOND);
    await new Promise(setImmediate);
  }
}

/** It is so much later at once, and what that brings has happened. */
async function skip(ms: number): Promise<void> {
  clock.stepWallClock(ms);
  clock.advance(SECOND);
  for (let turn = 0; turn < 4; turn += 1) await new Promise(setImmediate);
}

describe('events for the webhook', () => {
  it('leave at once, signed by every secret, and are gone then', async () => {
    await settle('s1', 'epoch-1');
    await attempted(1);
    expect(receiver.received).toMatchObject([{ id: 'ended_epoch-1', type: 'stream.ended', streamId: 's1' }]);
    expect(receiver.forged).toBe(0);
    await until(() => sender.isDone);
  });

  it('come in the end, once each, through a receiver that fails, redirects, closes in the middle and comes back', async () => {
    const manners: Manner[] = ['fails', 'redirects', 'cut', 'fails', 'cut', 'redirects', 'fails'];
    receiver.behave(() => manners.shift() ?? 'takes');
    for (const number of [1, 2, 3, 4]) await settle(`s${number}`, `epoch-${number}`);
    await until(() => receiver.received.length === 4);
    await until(() => sender.isDone);
    expect(receiver.received.map(({ id }) => id).sort()).toEqual(
      [1, 2, 3, 4].map((number) => `ended_epoch-${number}`),
    );
    expect([receiver.followed, receiver.forged]).toEqual([0, 0]);
    expect(outcomes.toSorted()).toEqual(
      ['delivered', 'delivered', 'delivered', 'delivered', 'failed', 'failed', 'redirect', 'redirect'].concat(
        ['status', 'status', 'status'],
      ),
    );
  });

  it('are sent anew where the receiver hangs, or answers byte by byte for longer than 15 s', async () => {
    receiver.behave((event) => (event.streamId === 's1' ? 'hangs' : 'slow'));
    await settle('s1', 'epoch-1');
    await settle('s2', 'epoch-2');
    await receiver.until(() => receiver.attempts.length === 2);
    clock.advance(14_000);
    await new Promise(setImmediate);
    expect(outcomes).toEqual([]);
    receiver.behave('takes');
    clock.advance(1000);
    await attempted(2);
    expect(outcomes).toEqual(['late', 'late']);
    await until(() => receiver.received.length === 2);
  });

  it('keep their order within a stream, and hold up no other one', async () => {
    receiver.behave((event) => (event.epoch === 'first' && receiver.attempts.length < 4 ? 'fails' : 'takes'));
    await settle('same', 'first');
    await settle('same', 'second');
    await settle('other', 'third');
    await until(() => receiver.received.length === 3);
    expect(receiver.received.map(({ epoch }) => epoch)).toEqual(['third', 'first', 'second']);
  });

  it('wait one by one while the endpoint is away, and leave at once when it is back', async () => {
    stand = () => FAILS;
    for (const number of [1, 2, 3, 4, 5, 6]) await settle(`s${number}`, `epoch-${number}`);
    await attempted(3);
    expect(told).toEqual(['away status 500']);
    await until(() => clock.elapsed() >= 2 * HOUR);
    expect(outcomes.length).toBeLessThan(6 * 8);
    stand = () => ({ outcome: 'delivered', status: 204, retryAfterMs: null });
    await until(() => told.length === 2);
    const since = clock.elapsed();
    await until(() => sender.isDone);
    expect(clock.elapsed() - since).toBeLessThan(10 * SECOND);
    expect(told).toEqual(['away status 500', 'back']);
  });

  it('are given up after eleven attempts in two days, kept, and let go after thirty', async () => {
    stand = () => FAILS;
    await settle('s1', 'epoch-1');
    await attempted(1);
    const pauses = [5, 30, 120, 600, 1800, 3600, 3 * 3600, 6 * 3600, 12 * 3600, 24 * 3600];
    for (const [index, seconds] of pauses.entries()) {
      await skip((seconds - 3) * SECOND);
      expect(outcomes, `before ${seconds} s`).toHaveLength(index + 1);
      await skip(3 * SECOND);
      expect(outcomes, `after ${seconds} s`).toHaveLength(index + 2);
    }
    expect(told).toEqual(['dead ended_epoch-1 status']);
    expect([ledger.webhookEvents.dead, sender.isDone]).toEqual([1, true]);
    await skip(48 * HOUR);
    expect(outcomes).toHaveLength(11);
    clock.stepWallClock(30 * 24 * HOUR);
    clock.advance(HOUR);
    for (let turn = 0; turn < 4; turn += 1) await new Promise(setImmediate);
    expect(ledger.webhookEvents.dead).toBe(0);
  });

  it('are left alone for as long as the endpoint asks, and for good where it says that it is gone', async () => {
    receiver.behave('busy');
    await settle('s1', 'epoch-1');
    await attempted(1);
    receiver.behave('takes');
    await skip(115 * SECOND);
    expect(receiver.attempts).toHaveLength(1);
    await until(() => receiver.received.length === 1);
    receiver.behave('gone');
    await settle('s2', 'epoch-2');
    await attempted(3);
    await settle('s3', 'epoch-3');
    await skip(48 * HOUR);
    expect(told).toEqual(['gone']);
    expect(receiver.attempts).toHaveLength(3);
    expect(ledger.webhookEvents.waiting(clock.now()).events).toBe(2);
  });
});
