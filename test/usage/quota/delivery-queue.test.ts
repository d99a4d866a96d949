import { expect, it } from 'vitest';
import type { Charge } from '../../../src/quota/charges.ts';
import { DeliveryQueue } from '../../../src/quota/delivery-queue.ts';

/** One whose deliveries end when the test says so. */
function queueByHand({ atOnce = 3, together = 1 } = {}) {
  const sent: { readonly words: string; end(failure?: Error): Promise<void> }[] = [];
  const state = { held: false };
  const queue = new DeliveryQueue({
    atOnce,
    together,
    deliver(runs) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const end = async (failure?: Error) => {
        if (failure === undefined) resolve();
        else reject(failure);
        await promise.catch(() => {});
        await new Promise(setImmediate);
      };
      const words = runs.map(([epoch, charges]) => `${epoch} ${charges[0]?.amount}`).join(', ');
      sent.push({ words, end });
      return promise;
    },
    held: () => state.held,
    failed() {
      state.held = true;
    },
  });
  return { queue, sent, state, words: () => sent.map(({ words }) => words) };
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
  expect([...queue.unheard()]).toEqual(['one']);
  const delivered = queue.deliverHeld('one');
  await sent[1]?.end();
  await delivered;
  state.held = false;
  queue.resume();
  expect(words()).toEqual(['one 1', 'one 2']);
  expect(queue.size).toBe(0);
});

it('what is told while all is held is told once it has arrived, also what an earlier telling has on its way', async () => {
  const { queue, sent, state, words } = queueByHand();
  state.held = true;
  queue.add('one', tokens(1));
  const earlier = queue.deliverHeld('one').catch((cause: Error) => cause.message);
  expect([...queue.unheard()]).toEqual(['one']);
  let isTold = false;
  const later = queue.deliverHeld('one').then(() => {
    isTold = true;
  });
  await new Promise(setImmediate);
  expect([words(), isTold]).toEqual([['one 1'], false]);
  await sent[0]?.end(new Error('no answer'));
  expect(await earlier).toBe('no answer');
  expect([words(), isTold]).toEqual([['one 1', 'one 1'], false]);
  await sent[1]?.end();
  await later;
  expect(queue.size).toBe(0);
});

it('what comes while one delivery is under way is delivered together behind it, as many as one may have', async () => {
  const { queue, sent, state, words } = queueByHand({ atOnce: 1, together: 3 });
  for (const [index, run] of ['a', 'b', 'c', 'd', 'e', 'a'].entries()) queue.add(run, tokens(index));
  expect(words()).toEqual(['a 0']);
  expect(queue.size).toBe(6);
  await sent[0]?.end();
  expect(words()).toEqual(['a 0', 'b 1, c 2, d 3']);
  await sent[1]?.end(new Error('down'));
  expect([...queue.unheard()]).toEqual(['e', 'a', 'b', 'c', 'd']);
  const told = queue.deliverHeld('c');
  expect(words().at(-1)).toBe('c 2, e 4, a 5');
  await sent[2]?.end();
  await told;
  state.held = false;
  queue.resume();
  expect(words().at(-1)).toBe('b 1, d 3');
  await sent[3]?.end();
  await queue.idle();
  expect(queue.size).toBe(0);
});
