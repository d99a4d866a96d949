/**
 * FrameSocket over a `ws` WebSocket: text frames out in one raw write, text frames in as strings.
 * Owns closing, and the guards against floods and peers that do not read. Does not know what a frame says.
 *
 *   open ── close(), violation, peer's close ──► closing ── answered, or 1–2 s ──► gone: events.closed(), once
 *     └──────────────────── flood, cut ────────────────────────────────────────────►┘
 */
import type { Socket } from 'node:net';
import type { RawData, WebSocket } from 'ws';
import type { ConnectionEvents, FrameSocket } from '../../connection/port.ts';
import { CLOSE_CODES, type CloseCode } from '../../protocol/codes.ts';
import type { WireText } from '../../protocol/wire-text.ts';
import type { Clock, Timer } from '../../time/clock.ts';
import type { EventLoopLimiter } from '../admission/event-loop-limiter.ts';
import { areWholeMessages, FrameRules } from './frame-rules.ts';

/** More pings (empty binary frames among them) and pongs than this within a second of the clock are a flood. */
const MAX_CONTROL_FRAMES_PER_SECOND = 50;
/** A peer that does not read cannot answer a close: it gets this long, ms. Others get the `closeTimeout` of `ws`. */
const UNREAD_CLOSE_MS = 1000;

const PROTOCOL_ERROR = 1002;
/** The code `ws` closes with for what it found wrong, where it is not 1002: its `close` event says 1006 for all. */
const VIOLATION_CODES: Readonly<Record<string, number>> = {
  WS_ERR_INVALID_UTF8: 1007,
  WS_ERR_TOO_MANY_BUFFERED_PARTS: 1008,
  WS_ERR_UNSUPPORTED_MESSAGE_LENGTH: 1009,
  WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH: 1009,
};

/** What the endpoint needs of a socket beyond what the core does. */
export interface ServedSocket extends FrameSocket {
  /** From here on the peer's frames are told to `events`. To be called in the turn of the upgrade, before any can arrive. */
  serve(events: ConnectionEvents): void;
  /** Ends it at once, without a close frame. */
  terminate(): void;
}

/** What all sockets of an endpoint share. */
export interface SocketParts {
  readonly clock: Clock;
  /** In which sockets are taken down whose peer left without a word. */
  readonly endings: EventLoopLimiter;
  /** Called for each socket whose peer leaves. */
  readonly flushLate: () => void;
  /** Called once when the socket is gone, whether or not `serve` was reached. */
  readonly gone: (socket: ServedSocket) => void;
}

export function adaptWebSocket(websocket: WebSocket, socket: Socket, parts: SocketParts): ServedSocket {
  const [feed] = socket.listeners('data') as Feed[];
  if (feed === undefined) throw new TypeError('ws reads from the socket by itself');
  const adapter = new WebSocketAdapter(websocket, socket, parts, feed);
  // Shared functions that find their adapter on the emitter: five closures for each of ten thousand sockets add up.
  (websocket as Adapted<WebSocket>)[ADAPTER] = adapter;
  (socket as Adapted<Socket>)[ADAPTER] = adapter;
  websocket.on('message', onMessage).on('ping', onPing).on('pong', onPong);
  websocket.on('error', onError).on('close', onClose);
  // In place of the listener of `ws`, which shuts the socket down in the turn of its end. One by one: removing all
  // deletes the property, and V8 then keeps the socket's listeners as a dictionary, 620 bytes more.
  for (const listener of socket.listeners('end')) socket.off('end', listener as () => void);
  socket.on('end', onEnd);
  socket.on('drain', onDrain);
  // Likewise, and ours first: what `ws` reads has passed the rules that it does not know.
  socket.prependListener('data', onData);
  socket.off('data', feed);
  return adapter;
}

/** The listener of `ws`: it finds its WebSocket on the socket. */
type Feed = (this: Socket, bytes: Buffer) => void;

class WebSocketAdapter implements ServedSocket {
  readonly #websocket: WebSocket;
  readonly #socket: Socket;
  readonly #parts: SocketParts;
  readonly #feed: Feed;
  #events: ConnectionEvents | undefined;
  /** Only while a message is on its way. */
  #rules: FrameRules | undefined;
  /** Nothing that comes is read any more. */
  #isDeaf = false;
  /** What our own close, or the violation `ws` closes for, says: the peer's echo may never come. */
  #closeCode: number | undefined;
  #deadline: Timer | undefined;
  #controlSecond = 0;
  #controlFrames = 0;

  constructor(websocket: WebSocket, socket: Socket, parts: SocketParts, feed: Feed) {
    this.#websocket = websocket;
    this.#socket = socket;
    this.#parts = parts;
    this.#feed = feed;
  }

  serve(events: ConnectionEvents): void {
    this.#events = events;
  }

  /**
   * Bypasses the Sender of `ws`, which would make two writes of each frame. That is safe beside its pings, pongs and
   * closes: without compression it holds nothing back, so that both sides only ever write whole frames.
   */
  write(frames: readonly WireText[]): void {
    if (!this.#open) return;
    let wire = '';
    for (const frame of frames) wire += textFrameHeader(frame.length) + frame;
    this.#socket.write(wire, 'latin1');
  }

  get bufferedBytes(): number {
    return this.#socket.writableLength;
  }

  ping(text = ''): void {
    if (this.#open) this.#websocket.ping(text);
  }

  close(code: CloseCode, reason: string): void {
    if (this.#deadline !== undefined) return;
    const unread = code === CLOSE_CODES.tryAgainLater || this.bufferedBytes > 0 || !this.#open;
    this.#closeCode ??= code;
    // Does nothing where the peer began to close, or half-closed and stopped reading: then the deadline ends it.
    this.#websocket.close(code, reason);
    if (unread) this.#deadline = this.#parts.clock.after(UNREAD_CLOSE_MS, () => this.terminate());
  }

  terminate(): void {
    this.#websocket.terminate();
  }

  /** False from the first close on. `ws` goes on to emit what arrived after it, also after `terminate()`. */
  get #open(): boolean {
    return this.#websocket.readyState === this.#websocket.OPEN;
  }

  /** What comes, before any of it is a frame. */
  read(bytes: Buffer): void {
    if (this.#isDeaf) return;
    if (this.#rules === undefined && areWholeMessages(bytes)) {
      this.#feed.call(this.#socket, bytes);
      return;
    }
    const rules = this.#rules ?? new FrameRules();
    const violation = rules.check(bytes);
    this.#rules = rules.isBetweenMessages ? undefined : rules;
    // What comes before it is handled, and may be wrong by itself.
    this.#feed.call(this.#socket, bytes.subarray(0, violation?.at));
    if (violation !== undefined || rules.closed) this.#isDeaf = true;
    // A few turns of promises later `ws` says what it found wrong in those.
    if (violation !== undefined) setImmediate(() => this.#fail(violation.code));
  }

  /** As `ws` does it: the other side may answer or not, nothing of it is read. */
  #fail(code: number): void {
    if (this.#open) {
      this.#closeCode ??= code;
      this.#websocket.close(code);
    }
    this.#socket.end();
  }

  /** A binary frame without content is a ping: React Native's `ping()` sends one on Android. */
  receive(data: RawData, isBinary: boolean): void {
    if (!this.#open) return;
    if (!isBinary) this.#events?.received(data.toString());
    else if ((data as Buffer).length === 0) this.countControlFrame();
    else this.close(CLOSE_CODES.unsupportedData, 'text frames only');
  }

  receivePong(text: string): void {
    if (this.#open) this.#events?.pong(text);
    this.countControlFrame();
  }

  countControlFrame(): void {
    const second = Math.trunc(this.#parts.clock.elapsed() / 1000);
    this.#controlFrames = second === this.#controlSecond ? this.#controlFrames + 1 : 1;
    this.#controlSecond = second;
    if (this.#controlFrames > MAX_CONTROL_FRAMES_PER_SECOND) this.terminate();
  }

  drained(): void {
    if (this.#open) this.#events?.drained();
  }

  /** After a close frame the echo still has to leave; without one the peer is gone, and that can wait for its turn. */
  ended(): void {
    this.#parts.flushLate();
    if (this.#open) this.#parts.endings.run(() => this.terminate());
    else this.#socket.end();
  }

  violated(error: NodeJS.ErrnoException): void {
    this.#isDeaf = true;
    if (error.code?.startsWith('WS_ERR_')) this.#closeCode ??= VIOLATION_CODES[error.code] ?? PROTOCOL_ERROR;
  }

  closed(code: number): void {
    this.#deadline?.cancel();
    this.#events?.closed(this.#closeCode ?? code);
    this.#parts.gone(this);
  }
}

const ADAPTER = Symbol('adapter');
type Adapted<Emitter> = Emitter & { [ADAPTER]?: WebSocketAdapter };

function onMessage(this: Adapted<WebSocket>, data: RawData, isBinary: boolean): void {
  this[ADAPTER]?.receive(data, isBinary);
}

/** `ws` has answered it by itself. */
function onPing(this: Adapted<WebSocket>): void {
  this[ADAPTER]?.countControlFrame();
}

function onPong(this: Adapted<WebSocket>, data: Buffer): void {
  this[ADAPTER]?.receivePong(data.toString('latin1'));
}

function onError(this: Adapted<WebSocket>, error: Error): void {
  this[ADAPTER]?.violated(error);
}

function onClose(this: Adapted<WebSocket>, code: number): void {
  this[ADAPTER]?.closed(code);
}

function onData(this: Adapted<Socket>, bytes: Buffer): void {
  this[ADAPTER]?.read(bytes);
}

function onEnd(this: Adapted<Socket>): void {
  this[ADAPTER]?.ended();
}

function onDrain(this: Adapted<Socket>): void {
  this[ADAPTER]?.drained();
}

/** Header of an unfragmented, unmasked text frame (RFC 6455, 5.2) as a latin1 string. `length` in bytes. */
export function textFrameHeader(length: number): string {
  return USUAL[length] ?? header(length);
}

function header(length: number): string {
  if (length < 126) return String.fromCharCode(FIN_TEXT, length);
  if (length < 65_536) return String.fromCharCode(FIN_TEXT, LENGTH_16, length >>> 8, length & 0xff);
  return (
    String.fromCharCode(FIN_TEXT, LENGTH_64, 0, 0, 0, 0) +
    String.fromCharCode(length >>> 24, (length >>> 16) & 0xff, (length >>> 8) & 0xff, length & 0xff)
  );
}

const FIN_TEXT = 0x81;
const LENGTH_16 = 126;
const LENGTH_64 = 127;
/** Nearly every frame is one delta: its header is made once for all. */
const USUAL: readonly string[] = Array.from({ length: 512 }, (_, length) => header(length));
