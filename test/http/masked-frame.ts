/** Client frames made by hand, also wrong ones (RFC 6455, 5.2). */
export interface FrameOptions {
  readonly opcode: number;
  readonly payload?: Buffer | string;
  readonly fin?: boolean;
  readonly masked?: boolean;
  /** The three reserved bits, 0–7. */
  readonly reserved?: number;
  /** What the header says in place of the payload's length: 64 bits. */
  readonly declaredLength?: bigint;
  /** Bits that the length takes, where they are not as few as it needs. */
  readonly lengthBits?: 16 | 64;
}

export const TEXT = 1;
export const BINARY = 2;
export const CONTINUATION = 0;
export const CLOSE = 8;
export const PING = 9;
export const PONG = 10;

const MASK = Buffer.from([1, 2, 3, 4]);

export function frame(options: FrameOptions): Buffer {
  const { opcode, fin = true, masked = true, reserved = 0 } = options;
  const payload = Buffer.from(options.payload ?? '');
  const first = (fin ? 0x80 : 0) | (reserved << 4) | opcode;
  const length = lengthBytes(payload.length, options);
  length[0] = (length[0] ?? 0) | (masked ? 0x80 : 0);
  const body = masked
    ? Buffer.concat([MASK, payload.map((byte, index) => byte ^ (MASK[index % 4] ?? 0))])
    : payload;
  return Buffer.concat([Buffer.from([first]), length, body]);
}

export function textFrame(text: string): Buffer {
  return frame({ opcode: TEXT, payload: text });
}

function lengthBytes(actual: number, { declaredLength: declared, lengthBits: bits }: FrameOptions): Buffer {
  if (declared === undefined && bits === undefined && actual < 126) return Buffer.from([actual]);
  const wide = Buffer.alloc(9);
  if (declared !== undefined || bits === 64 || actual > 0xffff) {
    wide[0] = 127;
    wide.writeBigUInt64BE(declared ?? BigInt(actual), 1);
    return wide;
  }
  wide[0] = 126;
  wide.writeUInt16BE(actual, 1);
  return wide.subarray(0, 3);
}

export interface ReceivedFrame {
  readonly opcode: number;
  readonly payload: Buffer;
}

/** The whole frames that a server sent, none of which is masked or in fragments. */
export function framesIn(received: Buffer): ReceivedFrame[] {
  const frames: ReceivedFrame[] = [];
  let at = 0;
  while (at + 2 <= received.length) {
    const short = (received[at + 1] ?? 0) & 0x7f;
    const start = at + (short === 127 ? 10 : short === 126 ? 4 : 2);
    if (start > received.length) break;
    const length = short === 127 ? Number(received.readBigUInt64BE(at + 2)) : short;
    const end = start + (short === 126 ? received.readUInt16BE(at + 2) : length);
    if (end > received.length) break;
    frames.push({ opcode: (received[at] ?? 0) & 0x0f, payload: received.subarray(start, end) });
    at = end;
  }
  return frames;
}

/** The code of the close frame at the end of what a server sent; `undefined` if it ends otherwise. */
export function closeCodeOf(received: string): number | undefined {
  const bytes = Buffer.from(received, 'latin1');
  const at = bytes.lastIndexOf(Buffer.from([0x88]));
  const length = bytes[at + 1] ?? 0;
  return at === -1 || at + 2 + length !== bytes.length ? undefined : bytes.readUInt16BE(at + 2);
}
