import { describe, expect, it } from 'vitest';
import { toWire } from '../../src/protocol/wire-text.ts';
import { Interlude, InterludePosition, type Moment } from '../../src/run/interlude.ts';

const think = (said?: string): Moment => ({
  kind: 'thinking',
  ...(said === undefined ? {} : { json: toWire(said) }),
});
const tool = (call: number, state: 'running' | 'done' | 'failed'): Moment => ({
  kind: 'tool',
  progress: { call, name: 'look_up', state },
});

/** All that is left to tell, in short. */
function told(position: InterludePosition, maxBytes = 1 << 20): string[] {
  const said: string[] = [];
  for (let next = position.next(maxBytes); next !== undefined; next = position.next(maxBytes))
    said.push(
      next.kind === 'tool' ? `${next.progress.call} ${next.progress.state}` : `thinks ${next.json ?? ''}`,
    );
  return said;
}

function interludeOf(...moments: readonly Moment[]): Interlude {
  const interlude = new Interlude(3);
  for (const moment of moments) interlude.add(moment);
  return interlude;
}

describe('what a run does between two deltas', () => {
  it('is told in order, pieces of a thought as one', () => {
    const interlude = interludeOf(
      think(),
      think('a'),
      think('b'),
      tool(1, 'running'),
      tool(1, 'done'),
      think('c'),
    );
    expect(told(InterludePosition.fromBeginning(interlude))).toEqual([
      'thinks ',
      'thinks ab',
      '1 running',
      '1 done',
      'thinks ',
      'thinks c',
    ]);
  });

  it('says whether something is news', () => {
    const interlude = new Interlude(0);
    const news = [
      think(),
      think(),
      think('a'),
      tool(1, 'running'),
      tool(1, 'running'),
      tool(1, 'done'),
      think(),
    ];
    expect(news.map((moment) => interlude.add(moment))).toEqual([true, false, true, true, false, true, true]);
  });

  it('is told to who comes late as it stands', () => {
    const interlude = interludeOf(think('a'), tool(1, 'running'), tool(2, 'running'), tool(1, 'failed'));
    const late = InterludePosition.fromNow(interlude);
    expect(late.caughtUp).toBe(false);
    expect(told(late)).toEqual(['1 failed', '2 running']);
    expect(late.caughtUp).toBe(true);
    interlude.add(tool(2, 'done'));
    interlude.add(think('b'));
    expect(told(late)).toEqual(['2 done', 'thinks ', 'thinks b']);
    expect(told(InterludePosition.fromNow(interlude))).toEqual(['1 failed', '2 done', 'thinks ']);
  });

  it('of a long thought keeps the end, and loses no state of a tool for who is slow', () => {
    const interlude = interludeOf(think('first'), tool(1, 'running'));
    const slow = InterludePosition.fromBeginning(interlude);
    expect(slow.next(1 << 20)).toEqual(think());
    interlude.add(tool(1, 'done'));
    const piece = 'x'.repeat(1000);
    for (let count = 0; count < 40; count += 1) interlude.add(think(piece));
    const said = told(slow);
    expect(said[0]).toBe('1 done');
    expect(said.join('').length).toBeLessThanOrEqual(17_000);
    expect(said.at(-1)).toBe(`thinks ${piece.repeat(16)}`);
  });

  it('keeps to the size that is asked for', () => {
    const interlude = interludeOf(think('aaaa'), think('bbbb'), think('cccc'));
    expect(told(InterludePosition.fromBeginning(interlude), 8)).toEqual([
      'thinks ',
      'thinks aaaabbbb',
      'thinks cccc',
    ]);
  });
});
