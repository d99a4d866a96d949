/** Notices a dead connection: after `heartbeatMs` of silence a ping, and 10 s later without any frame, the verdict. */

const PONG_WITHIN_MS = 10_000;
const CHECK_MS = 1_000;

export class Heartbeat {
  #events;
  #timer;
  #heardAt = 0;
  #pingedAt;

  /** `events`: { ping(), dead() } */
  constructor(events) {
    this.#events = events;
  }

  start(heartbeatMs) {
    this.stop();
    this.heard();
    this.#timer = setInterval(() => this.#check(heartbeatMs), CHECK_MS);
  }

  heard() {
    this.#heardAt = performance.now();
    this.#pingedAt = undefined;
  }

  stop() {
    clearInterval(this.#timer);
  }

  #check(heartbeatMs) {
    const now = performance.now();
    if (this.#pingedAt !== undefined) {
      if (now - this.#pingedAt >= PONG_WITHIN_MS) this.#events.dead();
    } else if (now - this.#heardAt >= heartbeatMs) {
      this.#pingedAt = now;
      this.#events.ping();
    }
  }
}
