import { describe, expect, it } from 'vitest';
import { createTurns } from '../../src/react/assistant/turns.tsx';
import { manualFrames } from './manual-frames.ts';

function startTurns() {
  const frames = manualFrames();
  let now = 0;
  const turns = createTurns(frames, () => now);
  const granted: number[] = [];
  return {
    turns,
    frames,
    granted,
    ask: (count: number, weight: number) =>
      Array.from({ length: count }, (_, at) => turns.request(weight, () => void granted.push(at))),
    /** What one frame grants, after so many ms. */
    draw(tookMs = 16) {
      now += tookMs;
      const before = granted.length;
      frames.draw();
      return granted.length - before;
    },
  };
}

describe('turns', () => {
  it('are given to those who asked last first, some with each frame, until all have had theirs', () => {
    const { ask, draw, granted, frames } = startTurns();
    ask(50, 20);
    expect(granted).toEqual([]);
    expect(draw()).toBe(5);
    expect(granted).toEqual([49, 48, 47, 46, 45]);
    for (let frame = 0; frame < 20; frame += 1) draw();
    expect(granted).toEqual(Array.from({ length: 50 }, (_, at) => 49 - at));
    expect(frames.pending).toBe(0);
  });

  it('are given before the frame is seen to what fits into it, and to no more', () => {
    const { ask, turns, granted } = startTurns();
    ask(50, 20);
    turns.flush();
    turns.flush();
    expect(granted).toHaveLength(5);
    ask(1, 1);
    turns.flush();
    expect(granted).toHaveLength(5);
  });

  it('are fewer in a frame where frames come late, and more where they come in time; never none', () => {
    const { ask, draw } = startTurns();
    ask(3000, 1);
    draw();
    const slow = Array.from({ length: 10 }, () => draw(200));
    expect(slow.at(-1)).toBe(60);
    const fast = Array.from({ length: 10 }, () => draw(16));
    expect(fast.at(-1)).toBe(240);
  });

  it('are not given to those who have left', () => {
    const { ask, draw, granted } = startTurns();
    for (const leave of ask(10, 20).slice(5)) leave();
    draw();
    expect(granted).toEqual([4, 3, 2, 1, 0]);
  });

  it('are given to all at once, also to those who ask meanwhile, where all has to be drawn', () => {
    const { ask, turns, granted, draw } = startTurns();
    ask(50, 20);
    const end = turns.grantAll();
    ask(50, 20);
    expect(granted).toHaveLength(100);
    end();
    ask(50, 20);
    expect([granted.length, draw()]).toEqual([100, 5]);
  });

  it('are given to one that is heavier than all that a frame may hold', () => {
    const { ask, draw } = startTurns();
    ask(2, 10_000);
    expect([draw(), draw()]).toEqual([1, 1]);
  });
});
