/** Tells the relay how much this page holds: each 32 frames of a stream, or after 500 ms. */

const EACH_FRAMES = 32;
const EACH_MS = 500;

export class Acknowledger {
  #send;
  #unacked = new Map();
  #timer;

  /** `send(frame)` */
  constructor(send) {
    this.#send = send;
  }

  /** One more frame of the run is held. */
  held(run) {
    const frames = (this.#unacked.get(run) ?? 0) + 1;
    this.#unacked.set(run, frames);
    if (frames >= EACH_FRAMES) this.#acknowledge(run);
    else this.#timer ??= setTimeout(() => this.#acknowledgeAll(), EACH_MS);
  }

  /** The connection is gone: the next `resume` says what is held. */
  reset() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#unacked.clear();
  }

  #acknowledgeAll() {
    this.#timer = undefined;
    for (const run of [...this.#unacked.keys()]) this.#acknowledge(run);
  }

  #acknowledge(run) {
    this.#unacked.delete(run);
    this.#send({ type: 'ack', id: run.id, seq: run.seq });
  }
}
