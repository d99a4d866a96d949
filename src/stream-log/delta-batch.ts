/**
 * Deltas of a log as one text, with their boundaries kept: a reader elsewhere can begin at any of them. Each delta is
 * a mark and its JSON; the marks are control characters, which JSON never holds unescaped.
 */
import { fromWire, toWire, type WireText } from '../protocol/wire-text.ts';
import type { LogCursor, StreamLog } from './port.ts';

const TEXT = '\x1e';
const EVENT = '\x1f';
// biome-ignore lint/suspicious/noControlCharactersInRegex: the marks are control characters on purpose
const DELTAS = /([\x1e\x1f])([^\x1e\x1f]*)/g;

/** Reads on to the head, or until about `maxBytes` are gathered. `undefined` where there is nothing new. */
export function takeBatch(
  cursor: LogCursor,
  maxBytes: number,
): { readonly seq: number; readonly payload: string } | 'gap' | undefined {
  let gathered = '';
  while (gathered.length < maxBytes) {
    const entry = cursor.next(0);
    if (entry === 'gap') return entry;
    if (entry === undefined) break;
    gathered += (entry.kind === 'text' ? TEXT : EVENT) + entry.json;
  }
  if (gathered === '') return undefined;
  return { seq: cursor.seq, payload: fromWire(gathered as WireText) };
}

/** Appends what the log does not hold yet. False where deltas in between are missing; nothing is appended then. */
export function appendBatch(log: StreamLog, { seq, payload }: { seq: number; payload: string }): boolean {
  const deltas = [...toWire(payload).matchAll(DELTAS)];
  const known = log.head - (seq - deltas.length);
  if (known < 0) return false;
  for (const [, mark, json = ''] of deltas.slice(known)) {
    log.append(mark === TEXT ? 'text' : 'event', json as WireText);
  }
  return true;
}

/** The seq before its first delta. */
export function startOf({ seq, payload }: { seq: number; payload: string }): number {
  return seq - [...payload.matchAll(DELTAS)].length;
}
