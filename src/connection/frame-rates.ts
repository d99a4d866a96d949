import type { ClientFrame, HelloFrame } from '../protocol/frames.ts';
import type { Clock } from '../time/clock.ts';

/** `ack`, `ping` and `resume` a second: they do not count as frames, but are not free either. */
const LIGHT_FRAMES_PER_SECOND = 50;
/** Two acks a second and stream are what a good client sends; where operators allow many streams they are allowed too. */
const LIGHT_FRAMES_PER_SECOND_AND_STREAM = 3;
/** Unreadable frames a minute that end no connection. */
const BAD_FRAMES_PER_MINUTE = 4;

/** How many frames of which sort a connection may still send. */
export class FrameRates {
  readonly #limits: HelloFrame['limits'];
  readonly #clock: Clock;
  // Made by the first frame of their sort: most connections of a quiet hour send none.
  #frames: FrameRate | undefined;
  #light: FrameRate | undefined;
  #bad: FrameRate | undefined;

  constructor(limits: HelloFrame['limits'], clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  /** Counts a frame, or one that could not be parsed (`undefined`); false once its rate is passed. */
  take(frame: ClientFrame | undefined): boolean {
    const { streams, framesPerMinute } = this.#limits;
    if (frame?.type === 'ack' || frame?.type === 'ping' || frame?.type === 'resume') {
      const perSecond = Math.max(LIGHT_FRAMES_PER_SECOND, LIGHT_FRAMES_PER_SECOND_AND_STREAM * streams);
      this.#light ??= new FrameRate(perSecond, 1000, this.#clock);
      return this.#light.take();
    }
    this.#frames ??= new FrameRate(framesPerMinute, 60_000, this.#clock);
    return this.#frames.take();
  }

  /** Counts an unreadable frame; false once the connection has sent too many. */
  takeUnreadable(): boolean {
    this.#bad ??= new FrameRate(BAD_FRAMES_PER_MINUTE, 60_000, this.#clock);
    return this.#bad.take();
  }
}

/** Counts events in a sliding window, estimated from this window and the one before: no timer, no list of instants. */
class FrameRate {
  readonly #clock: Clock;
  readonly #limit: number;
  readonly #windowMs: number;
  #windowStart: number;
  #count = 0;
  #previous = 0;

  /** `limit` events in `windowMs` are fine. */
  constructor(limit: number, windowMs: number, clock: Clock) {
    this.#clock = clock;
    this.#limit = limit;
    this.#windowMs = windowMs;
    this.#windowStart = clock.elapsed();
  }

  /** Counts one; false once the limit is passed. */
  take(): boolean {
    const passed = (this.#clock.elapsed() - this.#windowStart) / this.#windowMs;
    if (passed >= 1) {
      this.#previous = passed < 2 ? this.#count : 0;
      this.#count = 0;
      this.#windowStart += Math.floor(passed) * this.#windowMs;
    }
    this.#count += 1;
    const share = 1 - Math.min(1, (this.#clock.elapsed() - this.#windowStart) / this.#windowMs);
    return this.#count + this.#previous * share <= this.#limit;
  }
}
