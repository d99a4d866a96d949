/**
 * A client of the relay under load: keeps its streams live, acknowledges as the contract asks (each 32 frames or
 * 500 ms), checks that no seq is missing, cancels where told to. Speaks dash-relay.v1 over one socket.
 */
import { nowMicros } from '../stamp.ts';
import type { Meter } from './meter.ts';
import { WebSocketClient } from './web-socket.ts';

const ACK_FRAMES = 32;
/** `{"type":"chunk","id":"` as the relay writes it; a relay that orders fields otherwise is read by JSON.parse. */
const CHUNK_PREFIX = Buffer.from('{"type":"chunk","id":"');
const SEQ_PREFIX = '","seq":'.length;
const COUNT_PREFIX = Buffer.from(',"count":');
const QUOTE = 0x22;
const RETRY_MS = 500;

interface Stream {
  readonly name: string;
  readonly startSentAt: number;
  /** Highest seq read and highest acknowledged. */
  held: number;
  acked: number;
  /** Frames since the last ack. */
  frames: number;
  readonly cancelAt: number;
  cancelSentAt: number | null;
}

export interface RelayClientOptions {
  readonly port: number;
  readonly token: string;
  /** Part of each stream's name: unique in the run. */
  readonly name: string;
  readonly cancelAfter: readonly [number, number] | undefined;
}

export class RelayClient {
  /** Settles with `hello`; rejects if the socket closes before. */
  readonly ready: Promise<void>;
  readonly #hello = Promise.withResolvers<void>();
  readonly #socket: WebSocketClient;
  readonly #streams = new Map<string, Stream>();
  readonly #meter: Meter;
  readonly #options: RelayClientOptions;
  #serial = 0;
  #ready = false;

  constructor(options: RelayClientOptions, meter: Meter) {
    this.#options = options;
    this.#meter = meter;
    this.ready = this.#hello.promise;
    this.#socket = new WebSocketClient(options.port, options.token, {
      onText: (bytes, from, end) => this.#read(bytes, from, end),
      onClose: (reason) => this.#closed(reason),
    });
  }

  start(): void {
    this.#serial += 1;
    const name = `${this.#options.name}-${this.#serial}`;
    const [least, most] = this.#options.cancelAfter ?? [Infinity, Infinity];
    const cancelAt = least === Infinity ? Infinity : least + Math.floor(Math.random() * (most - least + 1));
    const startSentAt = nowMicros();
    const stream = { name, startSentAt, held: 0, acked: 0, frames: 0, cancelAt, cancelSentAt: null };
    this.#streams.set(name, stream);
    this.#meter.started();
    const content = `bench:${name} Please explain how the sum of the first n odd numbers is found.`;
    const frame = { type: 'start', id: name, action: 'chat', messages: [{ role: 'user', content }] };
    this.#socket.send(JSON.stringify(frame));
  }

  /** Acknowledges what each stream holds; called each 500 ms. */
  acknowledge(): void {
    const due = [...this.#streams.values()].filter((stream) => stream.held > stream.acked);
    if (due.length > 0) this.#socket.send(...due.map(ackOf));
  }

  #read(bytes: Buffer, from: number, end: number): void {
    // `c` of chunk, cancelled; `h` of chunk: the cheapest test that tells the one from all other frames.
    if (bytes[from + 9] === CHUNK_PREFIX[9] && bytes[from + 10] === CHUNK_PREFIX[10])
      this.#chunk(bytes, from, end);
    else this.#frame(JSON.parse(bytes.toString('utf8', from, end)) as Frame);
  }

  #chunk(bytes: Buffer, from: number, end: number): void {
    const idAt = from + CHUNK_PREFIX.length;
    const idEnd = bytes.indexOf(QUOTE, idAt);
    const stream = this.#streams.get(bytes.toString('latin1', idAt, idEnd));
    if (stream === undefined) {
      this.#meter.fault('chunk of no live stream');
      return;
    }
    const seqAt = idEnd + SEQ_PREFIX;
    const seq = readInteger(bytes, seqAt);
    const countAt = seqAt + String(seq).length;
    const merged = bytes[countAt + 2] === COUNT_PREFIX[2] && bytes[countAt + 4] === COUNT_PREFIX[4];
    const count = merged ? readInteger(bytes, countAt + COUNT_PREFIX.length) : 1;
    if (seq - count !== stream.held) this.#meter.fault('gap in seq');
    const found = this.#meter.chunk(bytes, countAt, end, nowMicros(), stream.startSentAt);
    if (found !== count) this.#meter.fault('deltas in the text differ from count');
    this.#held(stream, seq);
  }

  #held(stream: Stream, seq: number): void {
    stream.held = seq;
    stream.frames += 1;
    if (stream.frames >= ACK_FRAMES) this.#socket.send(ackOf(stream));
    if (seq >= stream.cancelAt && stream.cancelSentAt === null) {
      stream.cancelSentAt = nowMicros();
      this.#meter.cancelled(stream.name, stream.cancelSentAt);
      this.#socket.send(JSON.stringify({ type: 'cancel', id: stream.name }));
    }
  }

  #frame(frame: Frame): void {
    if (frame.type === 'hello') {
      this.#ready = true;
      this.#meter.connected += 1;
      this.#hello.resolve();
    } else if (frame.type === 'done' || frame.type === 'cancelled') {
      this.#ended(frame, frame.type);
    } else if (frame.type === 'error') {
      this.#meter.fault(`error ${frame.code} ${frame.of ?? ''}`.trim());
      if (frame.of === 'start' || frame.of === undefined) this.#ended(frame, frame.code ?? 'error');
    }
  }

  #ended(frame: Frame, how: string): void {
    const stream = this.#streams.get(frame.id ?? '');
    if (stream === undefined) {
      this.#meter.fault(`${frame.type} of no live stream`);
      return;
    }
    this.#streams.delete(stream.name);
    if (frame.type === 'done' && frame.seq !== stream.held) this.#meter.fault('ending with a gap before it');
    if (stream.cancelSentAt !== null) {
      this.#meter.cancelRoundTrip.record(nowMicros() - stream.cancelSentAt);
      const closedMs = frame.timing?.upstreamClosedMs;
      if (closedMs !== undefined) this.#meter.upstreamClosed.record(closedMs * 1000);
    }
    this.#meter.ended(how);
    if (frame.type === 'error') setTimeout(() => this.start(), RETRY_MS);
    else this.start();
  }

  #closed(reason: string): void {
    for (const _ of this.#streams) this.#meter.ended('connection lost');
    this.#streams.clear();
    this.#meter.fault(`connection ${reason}`);
    if (this.#ready) this.#meter.connected -= 1;
    this.#hello.reject(new Error(`a connection was refused: ${reason}`));
  }
}

/** The fields of server frames that matter here. */
interface Frame {
  readonly type: string;
  readonly id?: string;
  readonly of?: string;
  readonly seq?: number;
  readonly code?: string;
  readonly timing?: { readonly upstreamClosedMs?: number };
}

function ackOf(stream: Stream): string {
  stream.acked = stream.held;
  stream.frames = 0;
  return `{"type":"ack","id":"${stream.name}","seq":${stream.held}}`;
}

function readInteger(bytes: Buffer, from: number): number {
  let value = 0;
  for (let at = from; ; at += 1) {
    const digit = (bytes[at] ?? 0) - 0x30;
    if (digit < 0 || digit > 9) return value;
    value = value * 10 + digit;
  }
}
