/** Lengths of the text that the inside of a JSON string literal stands for, without decoding it. */
import type { WireText } from './wire-text.ts';

// biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII but the backslash
const PLAIN = /^[\x00-\x5b\x5d-\x7f]*$/;
const BACKSLASH = 0x5c;
const LETTER_U = 0x75;

/**
 * UTF-16 code units. An escape is one (`\uXXXX` too: a surrogate pair is two of them); of a UTF-8 sequence the lead
 * byte counts, twice if it begins four bytes, since those need a surrogate pair.
 */
export function utf16Length(json: WireText): number {
  if (PLAIN.test(json)) return json.length;
  let units = 0;
  for (let at = 0; at < json.length; at += 1) {
    const byte = json.charCodeAt(at);
    if (byte === BACKSLASH) {
      at += json.charCodeAt(at + 1) === LETTER_U ? 5 : 1;
      units += 1;
    } else if (byte < 0x80 || byte >= 0xc0) {
      units += byte >= 0xf0 ? 2 : 1;
    }
  }
  return units;
}

/** UTF-8 bytes. Half a surrogate pair, escaped, counts two: both halves together are four bytes. */
export function utf8Length(json: WireText): number {
  let bytes = json.length;
  for (let at = json.indexOf('\\'); at >= 0; at = json.indexOf('\\', at)) {
    if (json.charCodeAt(at + 1) !== LETTER_U) {
      bytes -= 1;
      at += 2;
    } else {
      bytes -= 6 - encodedLength(Number.parseInt(json.slice(at + 2, at + 6), 16));
      at += 6;
    }
  }
  return bytes;
}

function encodedLength(unit: number): number {
  if (unit < 0x80) return 1;
  const halfOfAPair = unit >= 0xd800 && unit <= 0xdfff;
  return unit < 0x800 || halfOfAPair ? 2 : 3;
}
