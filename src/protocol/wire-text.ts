/** Text as it travels: how it is held, how long it is once decoded, and frames as text. */
import type { ServerFrame } from './frames.ts';

/**
 * Text on its way to a client, held as one char per UTF-8 byte (a "latin1 string").
 * Its `length` is its size on the wire in bytes, and a socket takes it without another encoding pass.
 */
export type WireText = string & { readonly wireText: true };

// biome-ignore lint/suspicious/noControlCharactersInRegex: the question is exactly whether it is ASCII
const ONLY_ASCII = /^[\x00-\x7f]*$/;

/** Encodes ordinary text (UTF-16) as WireText. Lone surrogates become U+FFFD, as in any UTF-8 encoder. */
export function toWire(text: string): WireText {
  return (ONLY_ASCII.test(text) ? text : Buffer.from(text, 'utf8').toString('latin1')) as WireText;
}

/** Decodes WireText back into ordinary text (UTF-16). */
export function fromWire(wire: WireText): string {
  return ONLY_ASCII.test(wire) ? wire : Buffer.from(wire, 'latin1').toString('utf8');
}

/** The text that the inside of a JSON string literal stands for. */
export function textOfWire(inside: WireText): string {
  return String(JSON.parse(`"${fromWire(inside)}"`));
}

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

/** Encodes any frame. Chunks and events take the faster `encodeChunk` and `encodeEvent`, whose JSON exists already. */
export function encodeFrame(frame: ServerFrame): WireText {
  return toWire(JSON.stringify(frame));
}

/** A frame that was encoded here: not judged. */
export function decodeFrame<Frame extends ServerFrame>(wire: WireText): Frame {
  return JSON.parse(fromWire(wire)) as Frame;
}

/** Everything of a stream's chunk frames before the seq. `id` is of A-Za-z0-9_- and so needs no escaping. */
export function chunkPrefix(id: string): WireText {
  return `{"type":"chunk","id":"${id}","seq":` as WireText;
}

/** Likewise for event frames. */
export function eventPrefix(id: string): WireText {
  return `{"type":"event","id":"${id}","seq":` as WireText;
}

/** `json` is the inside of a JSON string literal holding `count` merged deltas, the last numbered `seq`. */
export function encodeChunk(prefix: WireText, seq: number, count: number, json: WireText): WireText {
  const merged = count === 1 ? '' : `,"count":${count}`;
  return `${prefix}${seq}${merged},"content":"${json}"}` as WireText;
}

const CONTENT = ',"content":"';

/** The inside of the JSON string literal that a chunk frame carries: the `json` that `encodeChunk` was given. */
export function chunkJson(chunk: WireText): WireText {
  return chunk.slice(chunk.indexOf(CONTENT) + CONTENT.length, -'"}'.length) as WireText;
}

/** `json` is one whole upstream event. */
export function encodeEvent(prefix: WireText, seq: number, json: WireText): WireText {
  return `${prefix}${seq},"event":${json}}` as WireText;
}

/** `json`: the inside of a JSON string literal, a piece of what is thought; without it, that the model thinks. */
export function encodeThinking(id: string, json?: WireText): WireText {
  const content = json === undefined ? '' : `,"content":"${json}"`;
  return `{"type":"thinking","id":"${id}"${content}}` as WireText;
}
