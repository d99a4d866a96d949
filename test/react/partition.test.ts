import { describe, expect, it } from 'vitest';
import { linesOfCode } from '../../src/react/assistant/markdown/measures.ts';
import { Partition, SHARE } from '../../src/react/assistant/markdown/partition.ts';

interface Part {
  readonly weight: number;
}

const measure = { weightOf: ({ weight }: Part) => weight, heightOf: () => 10 };
const parts = (count: number, weight = 20): Part[] => Array.from({ length: count }, () => ({ weight }));

describe('a partition', () => {
  it('holds each part once, in order, in shares of about the same weight', () => {
    const all = parts(100);
    const shares = new Partition<Part>(measure).of(all);
    expect(shares.flatMap((share) => share.parts)).toEqual(all);
    expect(shares.map(({ first }) => first)).toEqual(shares.map((_, at) => 3 * at));
    expect(shares.slice(0, -1).map(({ weight, height }) => [weight, height])).toEqual(
      Array(33).fill([SHARE, 30]),
    );
  });

  it('keeps each share the same object while its parts are, however many follow', () => {
    const partition = new Partition<Part>(measure);
    const all = parts(100);
    const before = partition.of(all.slice(0, 50));
    const after = partition.of(all);
    expect(after.slice(0, 16)).toEqual(before.slice(0, 16));
    for (const [at, share] of before.slice(0, 16).entries()) expect(after[at]).toBe(share);
    expect(partition.of([...all])).toEqual(after);
    expect(partition.of([...all]).every((share, at) => share === after[at])).toBe(true);
  });

  it('cuts anew from where a part has changed', () => {
    const partition = new Partition<Part>(measure);
    const all = parts(30);
    const before = partition.of(all);
    const after = partition.of(all.with(10, { weight: SHARE }));
    expect(after.map(({ first }) => first).slice(0, 6)).toEqual([0, 3, 6, 9, 11, 14]);
    expect(after[2]).toBe(before[2]);
    expect(after[3]).not.toBe(before[3]);
    expect(partition.of(all.slice(0, 4)).flatMap((share) => share.parts)).toEqual(all.slice(0, 4));
  });

  it('counts what takes turns of its own as no more than a share', () => {
    const shares = new Partition<Part>(measure).of(parts(3, 5000));
    expect(shares.map(({ weight }) => weight)).toEqual([SHARE, SHARE, SHARE]);
  });

  it('ends a share only where it may end', () => {
    const onlyHeavy = {
      ...measure,
      mayEnd: ({ weight }: Part, all: number) => weight > 20 || all > 3 * SHARE,
    };
    const partition = new Partition<Part>(onlyHeavy);
    expect(partition.of([...parts(4), ...parts(1, 30), ...parts(20)]).map(({ first }) => first)).toEqual([
      0, 5, 15,
    ]);
  });
});

describe('lines of code', () => {
  const code = Array.from({ length: 1000 }, (_, at) => (at % 100 > 95 ? '' : `line ${at}`)).join('\n');

  it('are cut into some lines each, none of which ends with an empty one, and are the same together', () => {
    const cut = linesOfCode(code);
    expect(cut.length).toBeGreaterThan(8);
    expect(cut.join('\n')).toBe(code);
    for (const lines of cut.slice(0, -1)) expect(lines).toMatch(/[^\n]$/);
  });

  it('stay cut as they are while more follow', () => {
    const cut = linesOfCode(code);
    expect(linesOfCode(`${code}\n${code}`).slice(0, cut.length - 1)).toEqual(cut.slice(0, -1));
  });

  it('are one part where they are few, or none', () => {
    expect(linesOfCode('')).toEqual(['']);
    expect(linesOfCode('a\n\nb')).toEqual(['a\n\nb']);
    expect(linesOfCode('\n'.repeat(500))).toEqual(['\n'.repeat(500)]);
  });
});
