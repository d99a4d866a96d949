import type { ServerFrame } from './frames.ts';
import { toWire, type WireText } from './wire-text.ts';

/** Encodes any frame. Chunks and events take the faster `encodeChunk` and `encodeEvent`, whose JSON exists already. */
export function encodeFrame(frame: ServerFrame): WireText {
  return toWire(JSON.stringify(frame));
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

/** `json` is one whole upstream event. */
export function encodeEvent(prefix: WireText, seq: number, json: WireText): WireText {
  return `${prefix}${seq},"event":${json}}` as WireText;
}
