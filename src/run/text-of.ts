/** The text of an answer as people read it, from the run's log. */
import { textOfWire } from '../protocol/wire-text.ts';
import type { StreamLog } from '../stream-log/port.ts';

/** What an event of the webhook holds of an answer at most, UTF-16 code units: a row of the ledger is written with it. */
export const MAX_EVENT_TEXT = 65_536;
const READ_BYTES = 64 * 1024;

/**
 * Its beginning, of at most `maxLength` UTF-16 code units and without half a character at the end. Null where the log has
 * lost its beginning, or holds events of the model instead of text.
 */
export function textOf(log: Pick<StreamLog, 'cursor'>, maxLength: number): string | null {
  const cursor = log.cursor(0);
  if (cursor === undefined) return null;
  let text = '';
  for (let entry = cursor.next(READ_BYTES); entry !== undefined; entry = cursor.next(READ_BYTES)) {
    if (entry === 'gap' || entry.kind === 'event') return null;
    text += textOfWire(entry.json);
    if (text.length > maxLength) return text.slice(0, maxLength).replace(/[\ud800-\udbff]$/, '');
  }
  return text;
}
