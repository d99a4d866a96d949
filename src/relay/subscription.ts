/**
 * One HTTP caller's reading of one stream, as events or as one JSON object. It is what a connection is for many streams
 * and a WebSocket; both read the same log through the same delivery, so the text is the same whichever way it goes.
 */

import { Delivery, type DeliveryOwner, type DeliveryQueue } from '../connection/delivery.ts';
import type { Flushable, FlushScheduler } from '../connection/send-queue.ts';
import { type StallOwner, StallWatch } from '../connection/timers.ts';
import type { Observer } from '../observability/port.ts';
import type { EndingFrame } from '../protocol/frames.ts';
import type { RelayError } from '../protocol/relay-error.ts';
import type { WireText } from '../protocol/wire-text.ts';
import { resumeGap } from '../run/refusals.ts';
import type { RunRegistry } from '../run/registry.ts';
import type { RunView } from '../run/run-view.ts';
import type { TimerWheel } from '../time/timer-wheel.ts';

/** What may lie unsent in the response's buffer; above it nothing is read from the log. */
const HIGH_WATER_BYTES = 64 * 1024;
const MERGED_CHUNK_BYTES = 16 * 1024;

export interface SubscriptionSink {
  /** The run is accepted, or was: what follows are its frames after `after`. */
  opened(run: RunView, after: number, attached: boolean): void;
  /** One frame, gathered until `flush`; `seq`: of the last delta sent. */
  frame(type: 'chunk' | 'event' | 'thinking' | 'tool', seq: number, wire: WireText): void;
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
  readonly registry: RunRegistry;
  readonly scheduler: FlushScheduler;
  readonly wheel: TimerWheel;
  readonly observer: Observer;
  /** Its caller is gone, or took all. Once. */
  readonly closed: (subscription: Subscription) => void;
}

export class Subscription implements DeliveryOwner, DeliveryQueue, StallOwner, Flushable {
  marked = false;
  readonly #parts: SubscriptionParts;
  readonly #sink: SubscriptionSink;
  readonly #delivery: Delivery;
  readonly #after: number;
  readonly #stall: StallWatch;
  /** Reads the log no more; what it wrote may still be on its way. */
  #left = false;
  #closed = false;
  #held = false;

  /**
   * Joins in the same turn. `after` is a position that the log holds, or one after which the run has an ending; ignored
   * while the stream is opening.
   */
  constructor(
    run: RunView,
    after: number,
    attached: boolean,
    sink: SubscriptionSink,
    parts: SubscriptionParts,
  ) {
    this.#parts = parts;
    this.#sink = sink;
    this.#after = after;
    const cursor = run.accepted ? run.log.cursor(after) : undefined;
    this.#delivery = new Delivery(run, cursor, attached, this, this);
    this.#stall = new StallWatch(parts.wheel, this);
    parts.registry.join(run, this.#delivery);
    if (!run.accepted) return;
    sink.opened(run, after, attached);
    this.deliveryReady(this.#delivery);
  }

  /** The caller is gone, or took all: `onDisconnect` acts if the stream goes on. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stall.stop();
    this.#leave();
    this.#parts.closed(this);
  }

  #leave(): void {
    if (this.#left) return;
    this.#left = true;
    this.#parts.registry.leave(this.#delivery.run, this.#delivery);
  }

  /** The response's buffer is empty again. */
  drained(): void {
    this.#stall.progress();
    this.#parts.scheduler.mark(this);
  }

  /** Bytes that the caller has not taken. */
  get backlogBytes(): number {
    return this.#sink.bufferedBytes;
  }

  get outstanding(): boolean {
    return this.backlogBytes > 0;
  }

  readerStalled(): void {
    this.#parts.observer.slowReader('closed');
    this.#fail('stalled');
  }

  deliveryAccepted(delivery: Delivery): void {
    this.#sink.opened(delivery.run, 0, delivery.attached);
  }

  deliveryReady(delivery: Delivery): void {
    delivery.queued = true;
    this.#parts.scheduler.mark(this);
  }

  /** No HTTP caller acknowledges. */
  unackedChanged(): void {
    // What the response has not taken is all there is to know.
  }

  deliveryRefused(_delivery: Delivery, error: RelayError): void {
    this.#fail(error);
  }

  flush(): void {
    let more = true;
    while (more && this.#hasRoom) more = this.#serve();
    this.#sink.flush();
    this.#noteHeld(more && !this.#left && !this.#hasRoom);
    if (this.#closed) return;
    // Also after the ending: who does not take it keeps its lease and its connection otherwise.
    this.#stall.watch();
    // The kernel may have taken all of it: then no drain will come.
    if (more && this.#hasRoom) this.#parts.scheduler.mark(this);
  }

  #noteHeld(isHeld: boolean): void {
    if (isHeld && !this.#held) this.#parts.observer.slowReader('held');
    this.#held = isHeld;
  }

  get #hasRoom(): boolean {
    return !this.#left && this.#sink.bufferedBytes < HIGH_WATER_BYTES;
  }

  /** Moves one frame, or the ending, to the sink. False once it has caught up. */
  #serve(): boolean {
    this.#delivery.queued = false;
    const room = HIGH_WATER_BYTES - this.#sink.bufferedBytes;
    const next = this.#delivery.next(Math.min(room, MERGED_CHUNK_BYTES));
    if (next === undefined) return false;
    if (next.kind === 'frame') this.#sink.frame(next.type, next.seq, next.wire);
    else if (next.kind === 'ending') this.#end();
    else this.#fail(resumeGap());
    return true;
  }

  #end(): void {
    const { run } = this.#delivery;
    const ending = run.endingBeyond(this.#after) ?? run.ending;
    this.#leave();
    if (ending !== undefined) this.#sink.ended(ending.frame, ending.wire);
  }

  #fail(reason: RelayError | 'stalled'): void {
    this.#leave();
    this.#sink.failed(reason);
  }
}
