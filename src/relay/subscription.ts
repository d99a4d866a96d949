/**
 * One HTTP caller's reading of one stream: the SSE and JSON doors. It is what a connection is for many streams and a
 * WebSocket; both read the same log through the same follower, so the text is the same at every door.
 */
import type { EndingFrame } from '../protocol/frames.ts';
import type { RelayError } from '../protocol/relay-error.ts';
import type { WireText } from '../protocol/wire-text.ts';
import type { TimerWheel } from '../time/timer-wheel.ts';
import type { Flushable, FlushScheduler } from './flush-scheduler.ts';
import { Follower, type FollowerOwner } from './follower.ts';
import { resumeGap } from './refusals.ts';
import { type StallOwner, StallWatch } from './stall-watch.ts';
import type { StreamRegistry } from './stream-registry.ts';
import type { StreamView } from './stream-view.ts';

/** What may lie unsent in the response's buffer; above it nothing is read from the log. */
const HIGH_WATER_BYTES = 64 * 1024;
const MERGED_CHUNK_BYTES = 16 * 1024;

export interface SubscriptionSink {
  /** The run is accepted, or was: what follows are its frames behind `after`. */
  opened(stream: StreamView, after: number, attached: boolean): void;
  /** One frame: gathered until `flush`. */
  frame(type: 'chunk' | 'event', seq: number, wire: WireText): void;
  /** The ending: the last call. */
  ended(frame: EndingFrame, wire: WireText): void;
  /** The run was refused, or cannot be read on: the last call. */
  failed(reason: RelayError | 'stalled'): void;
  /** Writes what was gathered in this turn. */
  flush(): void;
  /** Bytes gathered, or written and not yet taken by the kernel. */
  readonly bufferedBytes: number;
}

export interface SubscriptionParts {
  readonly registry: StreamRegistry;
  readonly scheduler: FlushScheduler;
  readonly wheel: TimerWheel;
}

export class Subscription implements FollowerOwner, StallOwner, Flushable {
  marked = false;
  readonly #parts: SubscriptionParts;
  readonly #sink: SubscriptionSink;
  readonly #follower: Follower;
  readonly #stall: StallWatch;
  /** Reads the log no more; what it wrote may still be on its way. */
  #left = false;
  #closed = false;

  /** Joins in the same turn. `after` is a position that the log holds; ignored while the stream is opening. */
  constructor(
    stream: StreamView,
    after: number,
    attached: boolean,
    sink: SubscriptionSink,
    parts: SubscriptionParts,
  ) {
    this.#parts = parts;
    this.#sink = sink;
    const cursor = stream.accepted ? stream.log.cursor(after) : undefined;
    this.#follower = new Follower(stream, cursor, attached, this);
    this.#stall = new StallWatch(parts.wheel, this);
    parts.registry.join(stream, this.#follower);
    if (!stream.accepted) return;
    sink.opened(stream, after, attached);
    this.followerReady(this.#follower);
  }

  /** The caller is gone, or took all: `onDisconnect` acts if the stream goes on. Idempotent. */
  close(): void {
    this.#closed = true;
    this.#stall.stop();
    this.#leave();
  }

  #leave(): void {
    if (this.#left) return;
    this.#left = true;
    this.#parts.registry.leave(this.#follower.stream, this.#follower);
  }

  /** The response's buffer is empty again. */
  drained(): void {
    this.#stall.progress();
    this.#parts.scheduler.mark(this);
  }

  get outstanding(): boolean {
    return this.#sink.bufferedBytes > 0;
  }

  readerStalled(): void {
    this.#fail('stalled');
  }

  followerAccepted(follower: Follower): void {
    this.#sink.opened(follower.stream, 0, follower.attached);
  }

  followerReady(follower: Follower): void {
    follower.queued = true;
    this.#parts.scheduler.mark(this);
  }

  /** No HTTP caller acknowledges. */
  followerOwes(): void {
    // What the response has not taken is all there is to know.
  }

  followerRefused(_follower: Follower, error: RelayError): void {
    this.#fail(error);
  }

  flush(): void {
    let more = true;
    while (more && this.#hasRoom) more = this.#serve();
    this.#sink.flush();
    if (this.#closed) return;
    // Also behind the ending: who does not take it keeps its seat and its connection otherwise.
    this.#stall.watch();
    // The kernel may have taken all of it: then no drain will come.
    if (more && this.#hasRoom) this.#parts.scheduler.mark(this);
  }

  get #hasRoom(): boolean {
    return !this.#left && this.#sink.bufferedBytes < HIGH_WATER_BYTES;
  }

  /** Moves one frame, or the ending, to the sink. False once it has caught up. */
  #serve(): boolean {
    this.#follower.queued = false;
    const room = HIGH_WATER_BYTES - this.#sink.bufferedBytes;
    const next = this.#follower.next(Math.min(room, MERGED_CHUNK_BYTES));
    if (next === undefined) return false;
    if (next.kind === 'frame') this.#sink.frame(next.type, next.seq, next.wire);
    else if (next.kind === 'ending') this.#end();
    else this.#fail(resumeGap());
    return true;
  }

  #end(): void {
    const { ending } = this.#follower.stream;
    this.#leave();
    if (ending !== undefined) this.#sink.ended(ending.frame, ending.wire);
  }

  #fail(reason: RelayError | 'stalled'): void {
    this.#leave();
    this.#sink.failed(reason);
  }
}
