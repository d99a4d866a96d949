/**
 * Sockets with their last answer: the peer gets a while to read it and hang up, then they are destroyed. Destroyed with
 * bytes unread, the kernel would send a reset that can overtake the answer. One timer for all of them: in a flood of
 * refusals each would have its own, and a closure.
 */
import type { Socket } from 'node:net';
import type { Clock, Timer } from '../../time/clock.ts';

/** How long a peer gets, ms. */
const LINGER_MS = 1000;

export class Lingering {
  readonly #clock: Clock;
  /** Until when, in ms of the clock; who goes first comes first. */
  readonly #sockets = new Map<Socket, number>();
  #timer: Timer | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Its last answer is written: what it still sends is read and dropped. */
  add(socket: Socket): void {
    socket.resume();
    socket.on('close', this.#onClose);
    this.#sockets.set(socket, this.#clock.elapsed() + LINGER_MS);
    this.#timer ??= this.#clock.after(LINGER_MS, this.#onTime);
  }

  readonly #onTime = (): void => {
    this.#timer = undefined;
    const now = this.#clock.elapsed();
    for (const [socket, until] of this.#sockets) {
      if (until > now) {
        this.#timer = this.#clock.after(until - now, this.#onTime);
        return;
      }
      this.#sockets.delete(socket);
      socket.destroy();
    }
  };

  #forget(socket: Socket): void {
    this.#sockets.delete(socket);
    if (this.#sockets.size > 0) return;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** Shared by all sockets: `this` is the socket. */
  readonly #onClose = ((lingering) =>
    function (this: Socket): void {
      lingering.#forget(this);
    })(this);
}
