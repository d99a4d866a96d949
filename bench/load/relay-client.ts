/**
 * A client of the relay under load: keeps its streams live, acknowledges as the contract asks (each 32 frames or
 * 500 ms), checks that no seq is missing, cancels where told to, resumes after its connection was cut.
 * Speaks dash-relay.v1 over one socket.
 */
import { nowMicros } from '../stamp.ts';
import { isChunk, readChunk } from './chunk-frame.ts';
import type { LoadClient } from './client.ts';
import type { Meter } from './meter.ts';
import type { LoadOptions } from './port.ts';
import { ackOf, newStream, type RelayFrame, resumeOf, type Stream } from './relay-stream.ts';
import { WebSocketClient } from './web-socket.ts';

const ACK_FRAMES = 32;
const RETRY_MS = 500;

export interface RelayClientOptions extends LoadOptions {
  readonly token: string;
}

export class RelayClient implements LoadClient {
  /** Settles with the first `hello`; rejects if the socket closes before. */
  readonly ready: Promise<void>;
  readonly #streams = new Map<string, Stream>();
  readonly #meter: Meter;
  readonly #options: RelayClientOptions;
  #socket: WebSocketClient;
  #hello = Promise.withResolvers<void>();
  /** Settles when no stream awaits its first missing frame. */
  #served = Promise.withResolvers<void>();
  #serial = 0;
  #keepsAnswers = false;
  #open = false;

  /** @param options its name: unique in the run */
  constructor(options: RelayClientOptions, meter: Meter) {
    this.#options = options;
    this.#meter = meter;
    this.ready = this.#hello.promise;
    this.#socket = this.#connect();
  }

  get streams(): number {
    return this.#streams.size;
  }

  start(): void {
    this.#serial += 1;
    const name = `${this.#options.name}-${this.#serial}`;
    const stream = newStream(name, this.#options, this.#keepsAnswers);
    this.#streams.set(name, stream);
    this.#meter.started();
    this.#socket.send(stream.startFrame);
  }

  /** Acknowledges what each stream holds; called each 500 ms. */
  acknowledge(): void {
    if (!this.#open) return;
    const due = [...this.#streams.values()].filter((stream) => stream.held > stream.acked);
    if (due.length > 0) this.#socket.send(...due.map(ackOf));
  }

  /** The network is gone: nothing is said to the relay but by the kernel. */
  cut(): void {
    if (this.#open) this.#meter.connected -= 1;
    this.#open = false;
    this.#socket.abandon();
  }

  /**
   * Opens the connection anew, after `cut`, and resumes. Settles when each stream has its first missing frame.
   * @throws Error when the connection is refused; it may be tried again
   */
  async reconnect(): Promise<void> {
    this.#hello = Promise.withResolvers();
    this.#served = Promise.withResolvers();
    this.#socket = this.#connect();
    await this.#hello.promise;
    const now = nowMicros();
    for (const stream of this.#streams.values()) {
      stream.resumeSentAt = now;
      this.#socket.send(stream.epoch === null ? stream.startAgainFrame : resumeOf(stream, stream.epoch));
    }
    this.#checkServed();
    await this.#served.promise;
  }

  #connect(): WebSocketClient {
    const { token } = this.#options;
    return new WebSocketClient(
      {
        ...this.#options,
        path: this.#options.door.path,
        headers: { 'Sec-WebSocket-Protocol': 'dash-relay.v1', Authorization: `Bearer ${token}` },
      },
      {
        onBytes: (bytes) => this.#meter.received(bytes),
        onText: (bytes, from, end) => this.#read(bytes, from, end),
        onClose: (reason) => this.#closed(reason),
      },
    );
  }

  #read(bytes: Buffer, from: number, end: number): void {
    if (isChunk(bytes, from)) this.#chunk(bytes, from, end);
    else this.#frame(JSON.parse(bytes.toString('utf8', from, end)) as RelayFrame);
  }

  #chunk(bytes: Buffer, from: number, end: number): void {
    const { id, seq, count, textAt } = readChunk(bytes, from);
    const stream = this.#streams.get(id);
    if (stream === undefined) {
      this.#meter.fault('chunk of no live stream');
      return;
    }
    if (seq - count !== stream.held) this.#meter.fault('gap in seq');
    const found = this.#meter.chunk(bytes, textAt, end, nowMicros(), stream.startSentAt);
    if (found !== count) this.#meter.fault('deltas in the text differ from count');
    if (stream.resumeSentAt !== null) this.#caughtUp(stream);
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

  #frame(frame: RelayFrame): void {
    const stream = this.#streams.get(frame.id ?? '');
    if (frame.type === 'hello') {
      this.#open = true;
      this.#keepsAnswers = frame.keepsAnswers === true;
      this.#meter.connected += 1;
      this.#hello.resolve();
    } else if (frame.type === 'accepted' || frame.type === 'resumed') {
      if (stream === undefined) return;
      stream.epoch = frame.epoch ?? null;
      // Nothing is missing: being told so is all there is to wait for.
      if (stream.resumeSentAt !== null && (frame.head ?? 0) <= stream.held) this.#caughtUp(stream);
    } else if (frame.type === 'done' || frame.type === 'cancelled') {
      this.#ended(frame, frame.type);
    } else if (frame.type === 'error') {
      this.#meter.fault(`${frame.of === undefined ? '' : `${frame.of}: `}error ${frame.code}`);
      if (frame.of === undefined || frame.of === 'start' || frame.of === 'resume')
        this.#ended(frame, String(frame.code));
    }
  }

  #ended(frame: RelayFrame, how: string): void {
    const stream = this.#streams.get(frame.id ?? '');
    if (stream === undefined) {
      this.#meter.fault(`${frame.type} of no live stream`);
      return;
    }
    this.#streams.delete(stream.name);
    if (stream.resumeSentAt !== null) this.#caughtUp(stream);
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

  #caughtUp(stream: Stream): void {
    if (stream.resumeSentAt === null) return;
    this.#meter.resumed.record(nowMicros() - stream.resumeSentAt);
    stream.resumeSentAt = null;
    this.#checkServed();
  }

  #checkServed(): void {
    for (const stream of this.#streams.values()) if (stream.resumeSentAt !== null) return;
    this.#served.resolve();
  }

  #closed(reason: string): void {
    const error = new Error(`a connection was refused: ${reason}`);
    if (!this.#open) {
      this.#hello.reject(error);
      return;
    }
    this.#open = false;
    this.#meter.connected -= 1;
    this.#meter.fault(`connection ${reason}`);
    for (const _ of this.#streams) this.#meter.ended('connection lost');
    this.#streams.clear();
  }
}
