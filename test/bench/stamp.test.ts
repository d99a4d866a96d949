import { expect, it } from 'vitest';
import { DELTA_MARK, microsBetween, readStamp, STAMP_BYTES, writeStamp } from '../../bench/stamp.ts';

it('reads back what it wrote into the text', () => {
  const bytes = Buffer.from(`before${'0'.repeat(STAMP_BYTES)}behind`);
  writeStamp(bytes, 6, DELTA_MARK, 1_234_567_890);
  expect(bytes.toString()).toBe('before@1234567890behind');
  expect(readStamp(bytes, 6, bytes.length)).toBe(1_234_567_890);
});

it('reads no stamp that is cut off or has other characters', () => {
  expect(readStamp(Buffer.from('@123456789'), 0, 10)).toBe(-1);
  expect(readStamp(Buffer.from('@12345x7890'), 0, 11)).toBe(-1);
});

it('measures across the point where ten digits wrap', () => {
  expect(microsBetween(9_999_999_990, 15)).toBe(25);
});

it('takes a clock of another core that is a little ahead for no time at all', () => {
  expect(microsBetween(1000, 990)).toBe(0);
});
