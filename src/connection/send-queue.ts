/**
 * What a connection still has to write, and when: answers first, then its deliveries in turn, one frame each, once an
 * event-loop turn and as long as the client takes it. It holds no copy of a stream: a socket that does not drain leaves
 * its deliveries where they are.
 */
import type { WireText } from '../protocol/wire-text.ts';
import type { Clock } from '../time/clock.ts';
import type { TimerWheel } from '../time/timer-wheel.ts';
import type { Delivery, DeliveryQueue } from './delivery.ts';
import type { FrameSocket } from './port.ts';
import { type StallOwner, StallWatch } from './timers.ts';

/** What may lie in the socket's buffer; above it nothing is read from the logs. */
const HIGH_WATER_BYTES = 64 * 1024;
/** A merged chunk stays below this, so that streams of a connection take turns also when all are late. */
const MERGED_CHUNK_BYTES = 16 * 1024;
/** Where a client acknowledges, what may be on its way to it: kernel buffers alone would hide megabytes. */
const UNACKED_BYTES = 256 * 1024;

export interface SendQueueOwner {
  /** The delivery has sent its ending, or cannot go on (`gap`). */
  deliveryFinished(delivery: Delivery, how: 'ending' | 'gap'): void;
  /** The client takes less than there is: what it lacks waits in the logs. Once, until it has all. */
  readerHeld(): void;
  /** The client takes nothing of what was written. */
  readerStalled(): void;
}

export class SendQueue implements DeliveryQueue, Flushable, StallOwner {
  marked = false;
  readonly #socket: FrameSocket;
  readonly #scheduler: FlushScheduler;
  readonly #owner: SendQueueOwner;
  readonly #stall: StallWatch;
  readonly #answers: WireText[] = [];
  #queue: Delivery[] = [];
  /** Whether the client acknowledges; one that never did is governed by socket buffers alone. */
  #acks = false;
  /** Of all deliveries together. */
  #unackedBytes = 0;
  #held = false;
  #stopped = false;

  constructor(socket: FrameSocket, scheduler: FlushScheduler, wheel: TimerWheel, owner: SendQueueOwner) {
    this.#socket = socket;
    this.#scheduler = scheduler;
    this.#owner = owner;
    this.#stall = new StallWatch(wheel, this);
  }

  /** Bytes written that the client has not taken, as far as this is known. */
  get backlogBytes(): number {
    return this.#socket.bufferedBytes + this.#outstandingBytes;
  }

  /** Whether anything waits for the socket or for an ack. */
  get outstanding(): boolean {
    return this.#queue.length > 0 || this.#socket.bufferedBytes > 0 || this.#outstandingBytes > 0;
  }

  readerStalled(): void {
    this.#owner.readerStalled();
  }

  answer(frame: WireText): void {
    if (this.#stopped) return;
    this.#answers.push(frame);
    this.#scheduler.mark(this);
  }

  deliveryReady(delivery: Delivery): void {
    this.#queueAgain(delivery);
    this.#scheduler.mark(this);
  }

  unackedChanged(bytes: number): void {
    this.#unackedBytes += bytes;
  }

  /** The client acknowledges; `isNews` where that made room. */
  acknowledged(isNews: boolean): void {
    this.#acks = true;
    if (isNews) this.drained();
  }

  /** The client took something. */
  drained(): void {
    this.#stall.progress();
    this.#scheduler.mark(this);
  }

  /** Nothing more is sent of it. */
  remove(delivery: Delivery): void {
    this.#unackedBytes -= delivery.unackedBytes;
    if (!delivery.queued) return;
    delivery.queued = false;
    this.#queue.splice(this.#queue.indexOf(delivery), 1);
  }

  /** Nothing is written from now on. */
  stop(): void {
    this.#stopped = true;
    this.#stall.stop();
  }

  /** Writes what is due. The scheduler calls it once a turn. */
  flush(): void {
    if (this.#stopped) return;
    this.write();
    if (this.#takesMore)
      this.#scheduler.mark(this); // in the next turn: others have theirs first
    else this.#noteHeld();
    if (this.outstanding) this.#stall.watch();
  }

  #noteHeld(): void {
    const isHeld = this.#queue.length > 0;
    if (isHeld && !this.#held) this.#owner.readerHeld();
    this.#held = isHeld;
  }

  /** Writes what the socket may take now, in one write. */
  write(): void {
    const frames = this.#answers;
    const queue = this.#queue;
    let budget = HIGH_WATER_BYTES - this.#socket.bufferedBytes;
    let served = 0;
    while (budget > 0 && served < queue.length && this.#outstandingBytes < UNACKED_BYTES) {
      const delivery = queue[served];
      served += 1;
      if (delivery !== undefined)
        budget -= this.#serve(delivery, Math.min(budget, MERGED_CHUNK_BYTES), frames);
    }
    if (served < queue.length) this.#queue = queue.slice(served);
    else queue.length = 0;
    if (frames.length === 0) return;
    this.#socket.write(frames);
    frames.length = 0; // the socket keeps the text, not the list
  }

  get #outstandingBytes(): number {
    return this.#acks ? this.#unackedBytes : 0;
  }

  /** There is more, and room for it: the kernel took all of the last write, so that no `drained()` will come. */
  get #takesMore(): boolean {
    const { bufferedBytes } = this.#socket;
    return (
      this.#queue.length > 0 && bufferedBytes < HIGH_WATER_BYTES && this.#outstandingBytes < UNACKED_BYTES
    );
  }

  /** Moves one frame of a delivery to `frames` and queues it again unless it has caught up. Returns the bytes. */
  #serve(delivery: Delivery, maxBytes: number, frames: WireText[]): number {
    delivery.queued = false;
    const next = delivery.next(maxBytes);
    if (next === undefined) return 0;
    if (next.kind === 'gap') {
      this.#owner.deliveryFinished(delivery, 'gap');
      return 0;
    }
    frames.push(next.wire);
    if (next.kind === 'ending') this.#owner.deliveryFinished(delivery, 'ending');
    else if (!delivery.caughtUp) this.#queueAgain(delivery);
    return next.wire.length;
  }

  #queueAgain(delivery: Delivery): void {
    delivery.queued = true;
    this.#queue.push(delivery);
  }
}

export interface Flushable {
  /** Whether it is on the list: the scheduler's to change. */
  marked: boolean;
  flush(): void;
}

/** Frames wait no longer than this for the end of a long turn, ms: as long as a turn of a busy relay takes anyway. */
const LATE_MS = 2;

/**
 * Gathers everything that has frames to write in one event-loop turn, and flushes it once at the turn's end. In a turn
 * that a crowd makes long it flushes in between.
 */
export class FlushScheduler {
  readonly #clock: Clock;
  #dirty: Flushable[] = [];
  /** Since when the first of them waits. */
  #since = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  mark(flushable: Flushable): void {
    if (flushable.marked) return;
    flushable.marked = true;
    if (this.#dirty.push(flushable) > 1) return;
    this.#since = this.#clock.elapsed();
    setImmediate(this.#flush);
  }

  /** Writes what has waited for too long. To be called for each of many events that one turn may have to handle. */
  flushLate(): void {
    if (this.#dirty.length > 0 && this.#clock.elapsed() - this.#since >= LATE_MS) this.#flush();
  }

  readonly #flush = (): void => {
    const dirty = this.#dirty;
    this.#dirty = [];
    for (const flushable of dirty) {
      flushable.marked = false;
      flushable.flush();
    }
  };
}
