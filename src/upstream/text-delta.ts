/**
 * Recognises a text delta of the usual shape without parsing it: its JSON string is passed on as it stands.
 * Anything out of the ordinary (other key order, spaces, a broken string) is `undefined`: the caller parses it.
 */
import { isUtf8 } from 'node:buffer';
import type { WireText } from '../protocol/wire-text.ts';

const BEFORE_INDEX = '{"type":"content_block_delta","index":';
const AFTER_INDEX = ',"delta":{"type":"text_delta","text":"';

const QUOTE = 34;
const BACKSLASH = 92;
const BRACE = 125;
const SPACE = 32;
const HEX4 = /^[0-9a-fA-F]{4}$/;

/** The inside of the delta's JSON string ('' for an empty one), from an event's data: `data`, latin1, from `from` to `until`. */
export function textDelta(data: string, from = 0, until = data.length): WireText | undefined {
  if (!data.startsWith(BEFORE_INDEX, from)) return undefined;
  let at = from + BEFORE_INDEX.length;
  const digits = at;
  while (isDigit(data.charCodeAt(at))) at += 1;
  if (at === digits || !data.startsWith(AFTER_INDEX, at)) return undefined;
  const start = at + AFTER_INDEX.length;

  let end = start;
  let highest = 0;
  for (let code = data.charCodeAt(end); code !== QUOTE; code = data.charCodeAt(end)) {
    // What lies behind the data, a line feed or NaN, fails this comparison as well.
    if (!(code >= SPACE)) return undefined;
    if (code === BACKSLASH) {
      const length = escapeLength(data, end);
      if (length === 0) return undefined;
      end += length;
    } else {
      if (code > highest) highest = code;
      end += 1;
    }
  }
  if (!closesTwoObjects(data, end + 1, until)) return undefined;
  const text = data.slice(start, end) as WireText;
  return highest < 0x80 || isUtf8(Buffer.from(text, 'latin1')) ? text : undefined;
}

/** Length of the escape sequence at `at`, 0 if it is none that JSON knows. */
function escapeLength(data: string, at: number): 0 | 2 | 6 {
  const code = data[at + 1];
  if (code === 'u') return HEX4.test(data.slice(at + 2, at + 6)) ? 6 : 0;
  return code !== undefined && '"\\/bfnrt'.includes(code) ? 2 : 0;
}

/** The API pads events with spaces before the last brace. */
function closesTwoObjects(data: string, from: number, until: number): boolean {
  const inner = skipSpaces(data, from);
  if (data.charCodeAt(inner) !== BRACE) return false;
  const outer = skipSpaces(data, inner + 1);
  return data.charCodeAt(outer) === BRACE && skipSpaces(data, outer + 1) === until;
}

function skipSpaces(data: string, from: number): number {
  let at = from;
  while (data.charCodeAt(at) === SPACE) at += 1;
  return at;
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}
