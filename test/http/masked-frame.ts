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
  const length = lengthBytes(payload.length, options.declaredLength);
  length[0] = (length[0] ?? 0) | (masked ? 0x80 : 0);
  const body = masked
    ? Buffer.concat([MASK, payload.map((byte, index) => byte ^ (MASK[index % 4] ?? 0))])
    : payload;
  return Buffer.concat([Buffer.from([first]), length, body]);
}

export function textFrame(text: string): Buffer {
  return frame({ opcode: TEXT, payload: text });
}

function lengthBytes(actual: number, declared: bigint | undefined): Buffer {
  if (declared === undefined && actual < 126) return Buffer.from([actual]);
  const wide = Buffer.alloc(9);
  if (declared !== undefined || actual > 0xffff) {
    wide[0] = 127;
    wide.writeBigUInt64BE(declared ?? BigInt(actual), 1);
    return wide;
  }
  wide[0] = 126;
  wide.writeUInt16BE(actual, 1);
  return wide.subarray(0, 3);
}

/** The code of the close frame at the end of what a server sent; `undefined` if it ends otherwise. */
export function closeCodeOf(received: string): number | undefined {
  const bytes = Buffer.from(received, 'latin1');
  const at = bytes.lastIndexOf(Buffer.from([0x88]));
  const length = bytes[at + 1] ?? 0;
  return at === -1 || at + 2 + length !== bytes.length ? undefined : bytes.readUInt16BE(at + 2);
}
