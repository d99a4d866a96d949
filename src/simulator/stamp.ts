/** The time at which a delta was written, inside its text: lets a benchmark measure what a relay adds. */
import type { WireText } from '../protocol/wire-text.ts';

const DIGITS = 16;

/** Text of a delta to be stamped. */
export const STAMPED_TEXT = `@${'0'.repeat(DIGITS)} photosynthesis `;

export function stampPosition(wire: WireText): number {
  return wire.indexOf(STAMPED_TEXT) + 1;
}

/** Puts in the microseconds of `process.hrtime`, which is one clock for all processes of a machine. */
export function stamp(wire: WireText, at: number): WireText {
  const now = (process.hrtime.bigint() / 1_000n).toString().padStart(DIGITS, '0');
  return (wire.slice(0, at) + now + wire.slice(at + DIGITS)) as WireText;
}
