import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { EventLoopLimiter } from '../../src/http/admission/event-loop-limiter.ts';

it('does so many pieces of work at once, and the others in the turns behind, first come, first served', async () => {
  const turns = new EventLoopLimiter(2);
  const done: number[] = [];
  const seen: number[][] = [];
  for (let place = 0; place < 5; place += 1) turns.run(() => done.push(place));
  for (let turn = 0; turn < 3; turn += 1) {
    seen.push([...done]);
    await nextTurn();
  }
  expect(seen).toEqual([
    [0, 1],
    [0, 1, 2, 3],
    [0, 1, 2, 3, 4],
  ]);
});

it('lets nobody overtake those who wait', async () => {
  const turns = new EventLoopLimiter(1);
  const done: string[] = [];
  for (const name of ['first', 'second', 'third']) turns.run(() => done.push(name));
  await nextTurn();
  turns.run(() => done.push('late'));
  expect(done).toEqual(['first', 'second']);
  await nextTurn();
  await nextTurn();
  expect(done).toEqual(['first', 'second', 'third', 'late']);
});

it('has room again in each turn', async () => {
  const turns = new EventLoopLimiter(1);
  await turns.take();
  await nextTurn();
  let done = false;
  turns.run(() => {
    done = true;
  });
  expect(done).toBe(true);
});
