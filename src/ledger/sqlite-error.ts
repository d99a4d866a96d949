/** What an error of SQLite means for a write. Codes: https://sqlite.org/rescode.html */

const BUSY = 5;
const LOCKED = 6;
/** TOOBIG, CONSTRAINT, MISMATCH, RANGE: this row cannot be written on any disk. */
const OF_THE_ROW: ReadonlySet<number> = new Set([18, 19, 20, 25]);

/** Somebody else holds the write lock at this instant. */
export function isBusy(error: unknown): boolean {
  const code = primaryCode(error);
  return code === BUSY || code === LOCKED;
}

/** The store refuses (full, locked, damaged), whatever is written; anything else is about the one row. */
export function isOfTheStore(error: unknown): boolean {
  const code = primaryCode(error);
  return code !== undefined && !OF_THE_ROW.has(code);
}

function primaryCode(error: unknown): number | undefined {
  const code = error instanceof Error && 'errcode' in error ? error.errcode : undefined;
  // The low byte is the primary code, the rest says more about it.
  return typeof code === 'number' ? code & 0xff : undefined;
}
