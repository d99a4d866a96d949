/**
 * What a connection still has to write: answers first, then its deliveries in turn, one frame each, as long as the
 * socket takes it. It holds no copy of a stream: a socket that does not drain leaves its deliveries where they are.
 */
import type { WireText } from '../protocol/wire-text.ts';
import type { Delivery } from './delivery.ts';
import type { FrameSocket } from './port.ts';

/** What may lie in the socket's buffer; above it nothing is read from the logs. */
const HIGH_WATER_BYTES = 64 * 1024;
/** A merged chunk stays below this, so that streams of a connection take turns also when all are behind. */
const MERGED_CHUNK_BYTES = 16 * 1024;
/** Where a client acknowledges, what may be on its way to it: kernel buffers alone would hide megabytes. */
const UNACKED_BYTES = 256 * 1024;

export interface SendQueueOwner {
  /** The delivery has sent its ending, or cannot go on (`gap`). */
  deliveryFinished(delivery: Delivery, how: 'ending' | 'gap'): void;
  /** How many bytes are outstanding, for a client that acknowledges; otherwise 0. */
  readonly unackedBytes: number;
}

export class SendQueue {
  readonly #socket: FrameSocket;
  readonly #owner: SendQueueOwner;
  readonly #answers: WireText[] = [];
  #queue: Delivery[] = [];

  constructor(socket: FrameSocket, owner: SendQueueOwner) {
    this.#socket = socket;
    this.#owner = owner;
  }

  /** Anything not yet written that waits for the socket or for an ack. */
  get waiting(): boolean {
    return this.#queue.length > 0 || this.#socket.bufferedBytes > 0;
  }

  /** There is more, and room for it: the kernel took all of the last write, so that no `drained()` will come. */
  get takesMore(): boolean {
    const { bufferedBytes } = this.#socket;
    return (
      this.#queue.length > 0 && bufferedBytes < HIGH_WATER_BYTES && this.#owner.unackedBytes < UNACKED_BYTES
    );
  }

  answer(frame: WireText): void {
    this.#answers.push(frame);
  }

  ready(delivery: Delivery): void {
    delivery.queued = true;
    this.#queue.push(delivery);
  }

  remove(delivery: Delivery): void {
    if (!delivery.queued) return;
    delivery.queued = false;
    this.#queue.splice(this.#queue.indexOf(delivery), 1);
  }

  /** Writes what the socket may take now, in one write. */
  flush(): void {
    const frames = this.#answers;
    const queue = this.#queue;
    let budget = HIGH_WATER_BYTES - this.#socket.bufferedBytes;
    let served = 0;
    while (budget > 0 && served < queue.length && this.#owner.unackedBytes < UNACKED_BYTES) {
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
    else if (!delivery.caughtUp) this.ready(delivery);
    return next.wire.length;
  }
}
