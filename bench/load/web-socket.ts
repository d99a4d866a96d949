/**
 * A WebSocket client's socket, just enough to put load on a relay for little CPU: handshake, masked text frames
 * out, unmasked frames in, pong. No fragments, no extensions. Knows nothing of the frames' JSON.
 */
import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { connectShared, connectSlowly } from './read-buffer.ts';

export interface WebSocketTarget {
  readonly port: number;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly readBytesPerSecond?: number;
}

export interface WebSocketHandlers {
  /** The handshake is done. */
  onOpen?(): void;
  /** So many bytes came from the socket. */
  onBytes?(bytes: number): void;
  /** One text frame: `bytes` from `from` to `end`, to be used up at once. */
  onText(bytes: Buffer, from: number, end: number): void;
  /** Once: a refusal (`http 429`), the relay's close (`close 4503`) or a lost socket. */
  onClose(reason: string): void;
}

const OPCODE = { text: 0x1, close: 0x8, ping: 0x9, pong: 0xa };
/** Not zero: a relay must have the work of unmasking that real clients make. */
const MASK = randomBytes(4).map((byte) => byte | 1);
const HEAD_END = '\r\n\r\n';

export class WebSocketClient {
  readonly #socket: Socket;
  readonly #handlers: WebSocketHandlers;
  #open = false;
  #closed = false;
  /** The start of a frame whose rest has not come yet. */
  #rest: Buffer | null = null;

  constructor({ port, path, headers, readBytesPerSecond }: WebSocketTarget, handlers: WebSocketHandlers) {
    this.#handlers = handlers;
    const onBytes = (bytes: Buffer, length: number) => this.#read(bytes, length);
    this.#socket =
      readBytesPerSecond === undefined
        ? connectShared(port, onBytes)
        : connectSlowly(port, readBytesPerSecond, onBytes);
    this.#socket.on('error', () => undefined);
    this.#socket.once('close', () => this.#close('lost'));
    const lines = Object.entries(headers).map(([name, value]) => `\r\n${name}: ${value}`);
    this.#socket.write(
      `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\nSec-WebSocket-Version: 13` +
        `${lines.join('')}${HEAD_END}`,
    );
  }

  /** Drops the socket; nobody hears of it any more. */
  abandon(): void {
    this.#closed = true;
    this.#socket.destroy();
  }

  /** Sends these texts as frames in one write. */
  send(...texts: readonly string[]): void {
    this.#socket.write(Buffer.concat(texts.map((text) => maskedFrame(OPCODE.text, Buffer.from(text)))));
  }

  #read(shared: Buffer, length: number): void {
    if (this.#closed) return;
    this.#handlers.onBytes?.(length);
    const rest = this.#rest;
    this.#rest = null;
    const bytes = rest === null ? shared : Buffer.concat([rest, shared.subarray(0, length)]);
    const end = rest === null ? length : bytes.length;
    const used = this.#open ? this.#readFrames(bytes, 0, end) : this.#readHead(bytes, end);
    if (used < end && !this.#closed) this.#rest = Buffer.from(bytes.subarray(used, end));
  }

  #readHead(bytes: Buffer, end: number): number {
    const head = bytes.toString('latin1', 0, end);
    const headEnd = head.indexOf(HEAD_END);
    if (headEnd < 0) return 0;
    const status = head.slice(9, 12);
    if (status !== '101') {
      this.#close(`http ${status}`);
      return end;
    }
    this.#open = true;
    this.#handlers.onOpen?.();
    return this.#readFrames(bytes, headEnd + HEAD_END.length, end);
  }

  /** Returns the offset of the first byte that belongs to an unfinished frame. */
  #readFrames(bytes: Buffer, from: number, end: number): number {
    let at = from;
    while (end - at >= 2 && !this.#closed) {
      let payloadAt = at + 2;
      let length = (bytes[at + 1] ?? 0) & 0x7f;
      if (length === 126) {
        if (end - at < 4) break;
        length = bytes.readUInt16BE(at + 2);
        payloadAt = at + 4;
      } else if (length === 127) {
        if (end - at < 10) break;
        length = bytes.readUInt32BE(at + 6);
        payloadAt = at + 10;
      }
      if (payloadAt + length > end) break;
      this.#frame((bytes[at] ?? 0) & 0x0f, bytes, payloadAt, payloadAt + length);
      at = payloadAt + length;
    }
    return at;
  }

  #frame(opcode: number, bytes: Buffer, from: number, end: number): void {
    if (opcode === OPCODE.text) this.#handlers.onText(bytes, from, end);
    else if (opcode === OPCODE.ping) this.#socket.write(maskedFrame(OPCODE.pong, bytes.subarray(from, end)));
    else if (opcode === OPCODE.close)
      this.#close(`close ${end - from < 2 ? 1005 : bytes.readUInt16BE(from)}`);
  }

  #close(reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.destroy();
    this.#handlers.onClose(reason);
  }
}

/** Client frames hold less than 64 KiB here. */
function maskedFrame(opcode: number, payload: Buffer): Buffer {
  const extended = payload.length > 125;
  const maskAt = extended ? 4 : 2;
  const frame = Buffer.allocUnsafe(maskAt + 4 + payload.length);
  frame[0] = 0x80 | opcode;
  frame[1] = 0x80 | (extended ? 126 : payload.length);
  if (extended) frame.writeUInt16BE(payload.length, 2);
  frame.set(MASK, maskAt);
  for (let index = 0; index < payload.length; index += 1) {
    frame[maskAt + 4 + index] = (payload[index] ?? 0) ^ (MASK[index & 3] ?? 0);
  }
  return frame;
}
