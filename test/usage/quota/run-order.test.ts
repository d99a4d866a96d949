import { describe, expect, it } from 'vitest';
import type { Reservation } from '../../../src/quota/port.ts';
import { createStartLimit } from '../../../src/quota/start-limit.ts';
import { createCore, start } from '../../support/core.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { createMemoryQuota } from '../../support/memory-quota.ts';
import { settled } from '../../support/quiet.ts';

import { plansOf } from './plan-files.ts';
import { prices } from './quota-subject.ts';

function coreWith(limits: object = {}) {
  const clock = new ManualClock();
  const quota = createMemoryQuota({ plans: plansOf({ plans: { free: limits } }), prices, clock });
  return { quota, ...createCore({ quota }) };
}

describe('a run and its reservation', () => {
  it('a refused one has no row, no call and nothing reserved', async () => {
    const { quota, connect, upstream, rows } = coreWith({ user: { tokensPerDay: 10 } });
    const socket = connect();
    socket.send(start('s1'));
    await settled();
    expect(socket.of('error')).toMatchObject([
      { id: 's1', of: 'start', code: 'quota_exceeded', used: 0, limit: 10 },
    ]);
    expect([rows(), upstream.calls, quota.reservations]).toEqual([[], [], 0]);
  });

  it('gives it back where the intent cannot be committed', async () => {
    const { quota, connect, ledger } = coreWith();
    ledger.refuse(true);
    const socket = connect();
    socket.send(start('s1'));
    await settled();
    expect(socket.of('error')).toMatchObject([{ code: 'unavailable' }]);
    expect(quota.reservations).toBe(0);
    ledger.refuse(false);
    socket.send(start('s1'));
    await settled();
    expect(quota.reservations).toBe(1);
  });

  it('holds it until the ending, whichever it is', async () => {
    for (const end of ['done', 'fail', 'cancel'] as const) {
      const { quota, connect, upstream } = coreWith();
      const socket = connect();
      socket.send(start('s1'));
      await settled();
      upstream.last.text('hello');
      expect(quota.reservations).toBe(1);
      if (end === 'done') upstream.last.end();
      else if (end === 'fail') upstream.last.fail();
      else socket.send({ type: 'cancel', id: 's1' });
      await settled();
      expect(socket.endings('s1')).toHaveLength(1);
      expect(quota.reservations).toBe(0);
    }
  });

  it('is settled also where upstream throws, and where the ledger cannot settle', async () => {
    const clock = new ManualClock();
    const quota = createMemoryQuota({ plans: plansOf({}), prices, clock });
    const throwing = {
      openRequests: 0,
      open: () => {
        throw new Error('no sockets');
      },
      countTokens: async () => ({ kind: 'aborted' }) as const,
      close: async () => {},
    };
    const broken = createCore({ quota, upstream: throwing }).connect();
    broken.send(start('s1'));
    await settled();
    expect(broken.of('error')).toMatchObject([{ id: 's1', code: 'internal' }]);
    expect(quota.reservations).toBe(0);

    const { ledger } = createCore();
    const unsettling = {
      ...ledger,
      settle: async () => {
        throw new Error('disk');
      },
    };
    const core = createCore({ quota, ledger: unsettling });
    const socket = core.connect();
    socket.send(start('s2'));
    await settled();
    core.upstream.last.end();
    await settled();
    expect(socket.endings('s2')).toHaveLength(1);
    expect(quota.reservations).toBe(0);
  });

  it('cancelled while it waits for quota, it calls nothing and is settled', async () => {
    const { promise, resolve } = Promise.withResolvers<Reservation>();
    const settlements: unknown[] = [];
    const quota = {
      reserve: () => promise,
      correct() {},
      settle: (outcome: unknown) => void settlements.push(outcome),
      release() {},
      usageOf: async () => ({ plan: 'none', quotas: [] }),
    };
    const { connect, upstream, rows } = createCore({ quota });
    const socket = connect();
    socket.send(start('s1'));
    socket.send({ type: 'cancel', id: 's1' });
    await settled();
    expect(socket.of('accepted')).toEqual([]);
    resolve({ promptTokens: 0 });
    await settled();
    expect(socket.of('cancelled')).toMatchObject([{ id: 's1', usage: { source: 'none' } }]);
    expect(upstream.calls).toEqual([]);
    expect(rows()).toMatchObject([{ status: 'cancelled' }]);
    expect(settlements).toHaveLength(1);
  });

  it('attaching to it, from any number of sockets, reserves nothing more', async () => {
    const { quota, connect, upstream } = coreWith({ requestsPerActionPerMonth: 1 });
    for (const socket of [connect(), connect(), connect()]) {
      socket.send(start('s1'));
      socket.send(start('s1'));
    }
    await settled();
    expect(upstream.calls).toHaveLength(1);
    expect(quota.reservations).toBe(1);
  });
});

describe('starts per minute', () => {
  it('are those of the plan, and a user of another plan has its own', async () => {
    const limit = createStartLimit();
    for (let taken = 0; taken < 2; taken += 1) expect(await limit.take('alice', 2)).toBeUndefined();
    const retryAfterMs = await limit.take('alice', 2);
    expect(retryAfterMs).toBeGreaterThan(0);
    expect(retryAfterMs).toBeLessThanOrEqual(60_000);
    expect(await limit.take('bob', 2)).toBeUndefined();
    for (let taken = 0; taken < 5; taken += 1) await limit.take('alice', 5);
    expect(await limit.take('alice', 5)).toBeGreaterThan(0);
  });
});
