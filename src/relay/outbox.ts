/**
 * What a connection still has to write: answers first, then its followers in turn, one frame each, as long as the
 * socket takes it. It holds no copy of a stream: a socket that does not drain leaves its followers where they are.
 */
import type { WireText } from '../protocol/wire-text.ts';
import type { Follower } from './follower.ts';
import type { FrameSocket } from './port.ts';

/** What may lie in the socket's buffer; above it nothing is read from the logs. */
const HIGH_WATER_BYTES = 64 * 1024;
/** A merged chunk stays below this, so that streams of a connection take turns also when all are behind. */
const MERGED_CHUNK_BYTES = 16 * 1024;
/** Where a client acknowledges, what may be on its way to it: kernel buffers alone would hide megabytes. */
const UNACKED_BYTES = 256 * 1024;

export interface OutboxOwner {
  /** The follower has sent its ending, or cannot go on (`gap`). */
  followerFinished(follower: Follower, how: 'ending' | 'gap'): void;
  /** How many bytes are outstanding, for a client that acknowledges; otherwise 0. */
  readonly unackedBytes: number;
}

export class Outbox {
  readonly #socket: FrameSocket;
  readonly #owner: OutboxOwner;
  readonly #answers: WireText[] = [];
  #queue: Follower[] = [];

  constructor(socket: FrameSocket, owner: OutboxOwner) {
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

  ready(follower: Follower): void {
    follower.queued = true;
    this.#queue.push(follower);
  }

  remove(follower: Follower): void {
    if (!follower.queued) return;
    follower.queued = false;
    this.#queue.splice(this.#queue.indexOf(follower), 1);
  }

  /** Writes what the socket may take now, in one write. */
  flush(): void {
    const frames = this.#answers;
    const queue = this.#queue;
    let budget = HIGH_WATER_BYTES - this.#socket.bufferedBytes;
    let served = 0;
    while (budget > 0 && served < queue.length && this.#owner.unackedBytes < UNACKED_BYTES) {
      const follower = queue[served];
      served += 1;
      if (follower !== undefined)
        budget -= this.#serve(follower, Math.min(budget, MERGED_CHUNK_BYTES), frames);
    }
    if (served < queue.length) this.#queue = queue.slice(served);
    else queue.length = 0;
    if (frames.length === 0) return;
    this.#socket.write(frames);
    frames.length = 0; // the socket keeps the text, not the list
  }

  /** Moves one frame of a follower to `frames` and queues it again unless it has caught up. Returns the bytes. */
  #serve(follower: Follower, maxBytes: number, frames: WireText[]): number {
    follower.queued = false;
    const next = follower.next(maxBytes);
    if (next === undefined) return 0;
    if (next.kind === 'gap') {
      this.#owner.followerFinished(follower, 'gap');
      return 0;
    }
    frames.push(next.wire);
    if (next.kind === 'ending') this.#owner.followerFinished(follower, 'ending');
    else if (!follower.caughtUp) this.ready(follower);
    return next.wire.length;
  }
}
