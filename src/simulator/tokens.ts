/** Text as a model would cut it: tokens of about four bytes, and deltas of a few tokens each. */
import type { Random } from './random.ts';

// A space and up to nine letters or three marks, a run of blanks, or one character. The `u` flag keeps surrogate
// pairs whole.
const TOKEN = / ?[\p{L}\p{M}\p{N}'’]{1,9}| ?[\p{P}\p{S}]{1,3}|\n+| +|[\s\S]/gu;

/** What one delta event carries. */
export interface Delta {
  readonly text: string;
  readonly tokens: number;
  /** Ms until it comes, whatever the pace of the others is. */
  readonly waitMs?: number;
}

export function tokenize(text: string): string[] {
  return text.match(TOKEN) ?? [];
}

/**
 * The API's order of magnitude for a prompt: bytes / 4 by the older tokenizer.
 * @param factor of the model's tokenizer, against that
 */
export function countInputTokens(text: string, factor: number): number {
  return Math.ceil((Buffer.byteLength(text) / 4) * factor);
}

/**
 * Cuts tokens into deltas of 1 to 6; the first is one token, as the real API's mostly is.
 * @param factor tokens of the model for each of these: they are those of the older tokenizer
 */
export function toDeltas(tokens: readonly string[], random: Random, factor = 1): Delta[] {
  const deltas: Delta[] = [];
  for (let from = 0; from < tokens.length; ) {
    const count = from === 0 ? 1 : random.integer(1, 6);
    const slice = tokens.slice(from, from + count);
    const to = from + slice.length;
    deltas.push({ text: slice.join(''), tokens: Math.round(to * factor) - Math.round(from * factor) });
    from = to;
  }
  return deltas;
}

export function countTokens(deltas: readonly Delta[]): number {
  return deltas.reduce((sum, { tokens }) => sum + tokens, 0);
}
