import { expect, it } from 'vitest';
import type { Charge } from '../../../src/quota/charges.ts';
import { DeliveryQueue } from '../../../src/quota/delivery-queue.ts';

/** One whose deliveries end when the test says so. */
function queueByHand() {
  const sent: { readonly epoch: string; readonly tokens: number; end(failure?: Error): Promise<void> }[] = [];
  const state = { held: false };
  const queue = new DeliveryQueue({
    deliver(epoch, charges) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const end = async (failure?: Error) => {
        if (failure === undefined) resolve();
        else reject(failure);
        await promise.catch(() => {});
        await new Promise(setImmediate);
      };
      sent.push({ epoch, tokens: charges[0]?.amount ?? 0, end });
      return promise;
    },
    held: () => state.held,
    failed() {
      state.held = true;
    },
  });
  return { queue, sent, state, words: () => sent.map(({ epoch, tokens }) => `${epoch} ${tokens}`) };
}

function tokens(amount: number): Charge[] {
  const period = { kind: 'day', name: '2026-11-22', resetsAt: 0 } as const;
  return [{ counter: { key: 'tokens', of: 'tokens', scope: 'user', period, limit: null }, amount }];
}

it('the later word of a run follows the one that is under way, and those of others pass it', async () => {
  const { queue, sent, words } = queueByHand();
  for (const amount of [1, 2, 3]) queue.add('one', tokens(amount));
  queue.add('other', tokens(4));
  expect(words()).toEqual(['one 1', 'other 4']);
  await sent[0]?.end();
  expect(words()).toEqual(['one 1', 'other 4', 'one 3']);
  expect(queue.size).toBe(2);
  await Promise.all(sent.map(({ end }) => end()));
  await queue.idle();
  expect(queue.size).toBe(0);
});

it('a word that did not arrive does not take the place of a later one', async () => {
  const { queue, sent, state, words } = queueByHand();
  queue.add('one', tokens(1));
  queue.add('one', tokens(2));
  await sent[0]?.end(new Error('down'));
  expect([...queue.waiting]).toEqual(['one']);
  const delivered = queue.deliverHeld('one');
  await sent[1]?.end();
  await delivered;
  state.held = false;
  queue.resume();
  expect(words()).toEqual(['one 1', 'one 2']);
  expect(queue.size).toBe(0);
});
