import type { ClientFrame, HelloFrame } from '../protocol/frames.ts';
import type { Clock } from '../time/clock.ts';
import { FrameRate } from './frame-rate.ts';

/** `ack`, `ping` and `resume` a second: they do not count as frames, but are not free either. */
const LIGHT_FRAMES_PER_SECOND = 50;
/** Two acks a second and stream are what a good client sends; where operators allow many streams they are allowed too. */
const LIGHT_FRAMES_PER_SECOND_AND_STREAM = 3;
/** Unreadable frames a minute that are still forgiven. */
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
