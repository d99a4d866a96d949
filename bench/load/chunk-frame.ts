/** Reads the frame `chunk` of PROTOCOL.md without parsing its JSON: the relay's own order of fields is relied on. */

/** `{"type":"chunk","id":"`, then `","seq":N`, then perhaps `,"count":N`, then the content. */
const PREFIX = Buffer.from('{"type":"chunk","id":"');
const SEQ_PREFIX = '","seq":'.length;
const COUNT_PREFIX = Buffer.from(',"count":');
const QUOTE = 0x22;
const ZERO = 0x30;

export interface ChunkFrame {
  id: string;
  seq: number;
  count: number;
  /** Where its content begins, at the latest. */
  textAt: number;
}

/** The one frame all sockets are read into: made anew for each it would be most of the garbage. */
const frame: ChunkFrame = { id: '', seq: 0, count: 0, textAt: 0 };

/** The cheapest test that tells it from all other frames: `ch`, where `cancelled` has `ca`. */
export function isChunk(bytes: Buffer, from: number): boolean {
  return bytes[from + 9] === PREFIX[9] && bytes[from + 10] === PREFIX[10];
}

/** What the frame at `from` says: valid until the next call. */
export function readChunk(bytes: Buffer, from: number): ChunkFrame {
  const idAt = from + PREFIX.length;
  const idEnd = bytes.indexOf(QUOTE, idAt);
  frame.id = bytes.toString('latin1', idAt, idEnd);
  const seqAt = idEnd + SEQ_PREFIX;
  const countAt = integerEnd(bytes, seqAt);
  const merged = bytes[countAt + 2] === COUNT_PREFIX[2] && bytes[countAt + 4] === COUNT_PREFIX[4];
  const countDigitsAt = countAt + COUNT_PREFIX.length;
  frame.seq = integer(bytes, seqAt, countAt);
  frame.count = merged ? integer(bytes, countDigitsAt, integerEnd(bytes, countDigitsAt)) : 1;
  frame.textAt = countAt;
  return frame;
}

function integerEnd(bytes: Buffer, from: number): number {
  let at = from;
  while (isDigit(bytes[at] ?? 0)) at += 1;
  return at;
}

function integer(bytes: Buffer, from: number, end: number): number {
  let value = 0;
  for (let at = from; at < end; at += 1) value = value * 10 + (bytes[at] ?? 0) - ZERO;
  return value;
}

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= ZERO + 9;
}
