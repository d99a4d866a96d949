/** A prompt that is counted while it is answered: when it is asked for, and what its reservation becomes. */
import { describe, expect, it } from 'vitest';
import type { TokenCount } from '../../src/upstream/port.ts';
import { ALICE, createCore, start } from '../support/core.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { createMemoryQuota } from '../support/memory-quota.ts';
import { settled } from '../support/quiet.ts';
import { plansOf } from '../usage/quota/plan-files.ts';
import { prices } from '../usage/quota/quota-subject.ts';

/** The cap of an answer of `chat`. */
const ANSWER = 100;
const ABOVE = 1000;
/** 4,000 characters and more: some 2,200 tokens by the estimate. */
const LONG = 'a question that is not short at all. '.repeat(110);
const FAILED: TokenCount = {
  kind: 'failed',
  reason: 'refused',
  cause: { status: 529, type: 'overloaded_error', errorCode: null, upstreamRequestId: 'req_1' },
};

function coreWith({ above = ABOVE, limits = {} as object } = {}) {
  const clock = new ManualClock();
  const quota = createMemoryQuota({ plans: plansOf({ plans: { free: limits } }), prices, clock });
  const core = createCore({ quota, countTokensAbove: above });
  const holder = { userId: ALICE, organizationId: null, tier: null, anonymous: false };
  return {
    ...core,
    quota,
    counts: core.upstream.counts,
    outcomes: () =>
      core.observed.flatMap(({ kind, event }) => (kind === 'promptCounted' ? [event.outcome] : [])),
    /** Tokens of the day. */
    async reserved(): Promise<number> {
      const { quotas } = await quota.usageOf(holder);
      return quotas.find(({ of, period }) => of === 'tokens' && period === 'day')?.reserved ?? 0;
    },
  };
}

const ask = (id: string, content = LONG) => start(id, { messages: [{ role: 'user', content }] });

describe('a prompt above the threshold', () => {
  it('is counted once the call is open, by the request of the call', async () => {
    const { connect, upstream, counts } = coreWith();
    connect().send(ask('s1'));
    await settled();
    expect(counts).toHaveLength(1);
    expect(counts[0]?.request).toEqual(upstream.last.request);
    expect(counts[0]?.signal).toBe(upstream.last.signal);
  });

  it('is not sent before all of the call has left, and not at all where the run ends before', async () => {
    const { connect, upstream, counts, outcomes } = coreWith();
    upstream.holdsRequests = true;
    const socket = connect();
    socket.send(ask('s1'));
    socket.send(ask('s2'));
    await settled();
    expect([upstream.calls.length, counts.length]).toEqual([2, 0]);
    socket.send({ type: 'cancel', id: 's2' });
    await settled();
    expect([counts.length, outcomes()]).toEqual([0, ['aborted']]);
    upstream.calls[0]?.flush();
    await settled();
    expect(counts).toHaveLength(1);
  });

  it('holds what was counted in place of the estimate, and of both the bill when it ends', async () => {
    const { connect, upstream, counts, quota, reserved, outcomes } = coreWith();
    connect().send(ask('s1'));
    await settled();
    expect(await reserved()).toBeGreaterThan(2 * ABOVE);
    counts[0]?.answer({ kind: 'counted', tokens: 900 });
    await settled();
    expect(await reserved()).toBe(909 + ANSWER);
    expect(outcomes()).toEqual(['counted']);
    upstream.last.end();
    await settled();
    expect([await reserved(), quota.reservations]).toEqual([0, 0]);
  });

  it('does not hold up a word: the answer comes and ends while the count is awaited', async () => {
    const { connect, upstream, counts, outcomes, quota } = coreWith();
    const socket = connect();
    socket.send(ask('s1'));
    await settled();
    upstream.last.text('Molo', ' mntwana');
    await settled();
    expect(socket.of('chunk').length).toBeGreaterThan(0);
    upstream.last.end();
    await settled();
    expect(socket.endings('s1')).toMatchObject([{ type: 'done' }]);
    expect(counts[0]?.signal.aborted).toBe(true);
    expect(outcomes()).toEqual(['aborted']);
    counts[0]?.answer({ kind: 'counted', tokens: 9_000 });
    await settled();
    expect(quota.reservations).toBe(0);
  });

  it('is no more asked for once its run is cancelled', async () => {
    const { connect, counts, outcomes, reserved } = coreWith();
    const socket = connect();
    socket.send(ask('s1'));
    await settled();
    socket.send({ type: 'cancel', id: 's1' });
    await settled();
    expect(counts[0]?.signal.aborted).toBe(true);
    expect(outcomes()).toEqual(['aborted']);
    expect(await reserved()).toBe(0);
  });

  it.each<[TokenCount, string]>([
    [FAILED, 'refused'],
    [{ ...FAILED, reason: 'unanswered' }, 'unanswered'],
    [{ kind: 'skipped', reason: 'busy' }, 'busy'],
    [{ kind: 'skipped', reason: 'paused' }, 'paused'],
  ])('stays reserved as it was where there is no count: %o', async (count, outcome) => {
    const { connect, upstream, counts, observed, outcomes, reserved } = coreWith();
    const socket = connect();
    socket.send(ask('s1'));
    await settled();
    const before = await reserved();
    counts[0]?.answer(count);
    await settled();
    expect(await reserved()).toBe(before);
    expect(outcomes()).toEqual([outcome]);
    expect(observed.filter(({ kind }) => kind === 'failed')).toEqual([]);
    upstream.last.end();
    await settled();
    expect(socket.endings('s1')).toMatchObject([{ type: 'done' }]);
  });

  it('that turns out short leaves room for the next start, and one that turns out long takes it', async () => {
    const { connect, upstream, counts } = coreWith({ limits: { user: { tokensPerDay: 3_500 } } });
    const socket = connect();
    const refusals = () => socket.of('error').map(({ code }) => code);
    socket.send(ask('s1'));
    await settled();
    socket.send(ask('s2'));
    await settled();
    expect(refusals()).toEqual(['rate_limited']);
    counts[0]?.answer({ kind: 'counted', tokens: 500 });
    await settled();
    socket.send(ask('s3'));
    await settled();
    expect(upstream.calls).toHaveLength(2);
    counts[1]?.answer({ kind: 'counted', tokens: 2_800 });
    await settled();
    socket.send(ask('s4', 'short'));
    await settled();
    expect(refusals()).toEqual(['rate_limited', 'rate_limited']);
    expect(upstream.calls.map(({ ending }) => ending)).toEqual([null, null]);
  });
});

describe('none is asked for', () => {
  it('at the threshold or below', async () => {
    const { connect, counts, quota, clock, upstream } = coreWith();
    const { promptTokens } = await quota.reserve({
      ...{ epoch: 'measured', holder: { userId: 'u', organizationId: null, tier: null, anonymous: false } },
      ...{ action: 'chat', model: 'claude-test', maxTokens: ANSWER, startedAt: clock.now() },
      ...{ system: 'Be kind. {{template}}', messages: [{ role: 'user', content: LONG }] },
    });
    const at = coreWith({ above: promptTokens });
    at.connect().send(ask('s1'));
    const below = coreWith({ above: promptTokens - 1 });
    below.connect().send(ask('s1'));
    connect().send(ask('s1', 'short'));
    await settled();
    expect([at.counts.length, below.counts.length, counts.length]).toEqual([0, 1, 0]);
    expect(upstream.calls).toHaveLength(1);
  });

  it('where it is switched off', async () => {
    const { connect, counts, upstream } = coreWith({ above: 0 });
    connect().send(ask('s1'));
    await settled();
    expect([upstream.calls.length, counts.length]).toEqual([1, 0]);
  });

  it('for a start that is refused, or cancelled before its call', async () => {
    const { connect, counts, ledger, upstream } = coreWith({ limits: { user: { tokensPerDay: 500 } } });
    connect().send(ask('s1'));
    await settled();
    const waiting = coreWith();
    const socket = waiting.connect();
    socket.send(ask('s2'));
    socket.send({ type: 'cancel', id: 's2' });
    await settled();
    expect([counts.length, waiting.counts.length]).toEqual([0, 0]);
    expect([upstream.calls.length, waiting.upstream.calls.length]).toEqual([0, 0]);
    expect(ledger.rows.size).toBe(0);
  });
});
