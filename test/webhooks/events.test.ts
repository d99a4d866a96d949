import { afterEach, describe, expect, it } from 'vitest';
import { eraseRuns } from '../../src/ledger/erasure.ts';
import { type LocalUsageLedger, openUsageLedger } from '../../src/ledger/ledger.ts';
import type { SettledAnswer, UsageIntent, UsageSettlement } from '../../src/ledger/port.ts';
import { loadPrices } from '../../src/pricing/prices.ts';
import { eventsOfRun } from '../../src/webhooks/stream-events.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { intentOf, newDataDir, readingOf, settlementOf } from '../usage/runs.ts';

const prices = loadPrices();
const HELD_MS = 10_000;
const ANSWER: SettledAnswer = {
  head: 3,
  textLength: 11,
  stopReason: 'end_turn',
  text: null,
  isAwaited: true,
};

let directory = newDataDir();
let clock = new ManualClock();
let ledger: LocalUsageLedger | undefined;

function open(): LocalUsageLedger {
  ledger = openUsageLedger({
    dataDir: directory.path,
    prices: () => prices,
    eventsOf: eventsOfRun,
    clock,
    onError: (what) => expect.unreachable(what),
  });
  return ledger;
}

async function settled(given: Partial<UsageIntent>, settlement: Partial<UsageSettlement> = {}) {
  const here = ledger ?? open();
  const intent = intentOf(given);
  await here.open(intent, () => readingOf());
  await here.settle(settlementOf(intent.epoch, { answer: ANSWER, ...settlement }));
  return { events: here.webhookEvents, epoch: intent.epoch };
}

afterEach(async () => {
  await ledger?.close();
  ledger = undefined;
  directory.remove();
  directory = newDataDir();
  clock = new ManualClock();
});

describe('events of a run', () => {
  it('are written with its settlement: who, what, how it ended, counts, and no text', async () => {
    const { events, epoch } = await settled({ organizationId: 'school-1' });
    const [event, ...others] = events.due(clock.now(), 10);
    expect(others).toEqual([]);
    expect(event).toMatchObject({
      id: `ended_${epoch}`,
      type: 'stream.ended',
      streamId: 'stream-1',
      attempts: 0,
    });
    const { type, timestamp, data } = JSON.parse(event?.body ?? '');
    expect({ type, timestamp }).toEqual({ type: 'stream.ended', timestamp: '2026-11-22T12:00:02.000Z' });
    expect(data).toEqual({
      id: 'stream-1',
      epoch,
      userId: '8a6e0804-2bd0-4672-b79d-d97027f9071a',
      organizationId: 'school-1',
      action: 'chat',
      model: 'claude-sonnet-5-5',
      servedModel: null,
      status: 'done',
      code: null,
      stopReason: 'end_turn',
      head: 3,
      textLength: 11,
      usage: {
        inputTokens: 120,
        outputTokens: 300,
        cacheReadTokens: 0,
        cacheWriteTokens: 0,
        thinkingTokens: 0,
        source: 'final',
      },
      startedAt: '2026-11-22T12:00:00.000Z',
      endedAt: '2026-11-22T12:00:02.000Z',
      firstTokenMs: 431.5,
      totalMs: 2000.25,
      text: null,
    });
  });

  it('have a second one where its user asked to be told and nobody reads the ending in time, behind the first', async () => {
    const { events, epoch } = await settled({ notify: true });
    expect(events.waiting(clock.now()).events).toBe(1);
    await clock.advance(HELD_MS);
    const [ended] = events.due(clock.now(), 10);
    expect(events.due(clock.now(), 10)).toEqual([ended]);
    expect(events.waiting(clock.now()).events).toBe(2);
    if (ended !== undefined) await events.taken(ended);
    expect(events.due(clock.now(), 10)).toMatchObject([{ id: `unread_${epoch}`, type: 'stream.unread' }]);
    events.read(epoch); // too late: it may be on its way
    await events.dueNow(clock.now());
    expect(events.isEmpty).toBe(false);
  });

  it('have none where the ending was read, nor where its user stopped it', async () => {
    const { events, epoch } = await settled({ notify: true });
    events.read(epoch);
    const stopped = { status: 'cancelled', answer: { ...ANSWER, isAwaited: false } } as const;
    await settled({ notify: true, streamId: 'stream-2' }, stopped);
    await clock.advance(HELD_MS);
    expect(events.due(clock.now(), 10).map(({ type }) => type)).toEqual(['stream.ended', 'stream.ended']);
  });

  it('are there of what a crash left open, and readers have their time again from then', async () => {
    const read = await settled({ notify: true });
    await ledger?.open(intentOf({ epoch: 'left-open', streamId: 'stream-3', notify: true }), () =>
      readingOf(),
    );
    await ledger?.close();
    await clock.advance(HELD_MS * 6);
    const { webhookEvents: events, interrupted } = open();
    expect(interrupted).toBe(1);
    expect(events.due(clock.now(), 10).map(({ id }) => id)).toEqual([
      `ended_${read.epoch}`,
      'ended_left-open',
    ]);
    expect(events.due(clock.now(), 10)[1]?.body).toContain('"code":"interrupted"');
    events.read(read.epoch);
    await clock.advance(HELD_MS);
    for (const event of events.due(clock.now(), 10)) await events.taken(event);
    expect(events.due(clock.now(), 10).map(({ id }) => id)).toEqual(['unread_left-open']);
  });

  it('are dead once given up, without holding up later ones of their stream, and gone when old', async () => {
    const { events } = await settled({});
    const [event] = events.due(clock.now(), 1);
    if (event !== undefined) await events.gaveUp(event, 'status', clock.now());
    expect([events.dead, events.isEmpty]).toEqual([1, true]);
    await settled({});
    expect(events.due(clock.now(), 10)).toHaveLength(1);
    await events.prune(clock.now() + 1);
    expect([events.dead, events.isEmpty]).toEqual([0, true]);
  });

  it('lose the text of an answer that is forgotten, and all of a user that is erased', async () => {
    const { events } = await settled({}, { answer: { ...ANSWER, text: 'canary-text' } });
    await events.forgetText('8a6e0804-2bd0-4672-b79d-d97027f9071a', 'another');
    expect(events.due(clock.now(), 1)[0]?.body).toContain('canary-text');
    await events.forgetText('8a6e0804-2bd0-4672-b79d-d97027f9071a', 'stream-1');
    expect(events.due(clock.now(), 1)[0]?.body).toContain('"text":null');
    await ledger?.close();
    ledger = undefined;
    eraseRuns(directory.path, {
      userId: '8a6e0804-2bd0-4672-b79d-d97027f9071a',
      before: Number.MAX_SAFE_INTEGER,
    });
    expect(open().webhookEvents.isEmpty).toBe(true);
  });
});
