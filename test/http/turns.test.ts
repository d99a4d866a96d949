import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { Turns } from '../../src/http/turns.ts';

it('lets so many pass in a turn of the event loop, first come, first served, and none for nothing', async () => {
  const turns = new Turns(2);
  const passed: number[] = [];
  for (let place = 0; place < 5; place += 1) void turns.take().then(() => passed.push(place));
  expect(passed).toEqual([]);
  const seen: number[][] = [];
  for (let turn = 0; turn < 3; turn += 1) {
    await nextTurn();
    seen.push([...passed]);
  }
  expect(seen).toEqual([
    [0, 1],
    [0, 1, 2, 3],
    [0, 1, 2, 3, 4],
  ]);
  await turns.take();
});
