/**
 * Who draws now. What is long is drawn share by share, so that no task holds the page up: each asks for its turn, and with
 * each frame so many get theirs as the device draws in it. Who asked last comes first: the end is what people see.
 */
import { createContext, useContext } from 'react';
import type { Frames } from '../store/frames.ts';

export interface Turns {
  /** Calls `grant` once, when `weight` native elements may be drawn; not after the function it returns was called. */
  request(weight: number, grant: () => void): () => void;
  /** Grants what is left of this frame, before it is seen. */
  flush(): void;
  /** Calls back once, in a frame in which nothing is left to be drawn; not after the function it returns was called. */
  whenIdle(callback: () => void): () => void;
  /** Grants all at once, also what is requested from now on, until the function it returns is called. */
  grantAll(): () => void;
}

/** Native elements in one frame: at first, on a device that is slow or busy, and on one that is fast. */
const FIRST = 100;
const FEWEST = 60;
const MOST = 240;
/** From one frame to the next, ms: more is too slow, less has room for more. */
const SLOW_MS = 34;
const FAST_MS = 25;

interface Turn {
  readonly weight: number;
  grant: (() => void) | undefined;
}

export function createTurns(frames: Frames, now: () => number = Date.now): Turns {
  return new FramedTurns(frames, now);
}

class FramedTurns implements Turns {
  readonly #frames: Frames;
  readonly #now: () => number;
  readonly #waiting: Turn[] = [];
  #perFrame = FIRST;
  /** What may still be drawn in this frame. */
  #left = FIRST;
  /** Of the frame in which something was granted last, ms. */
  #begunAt: number | undefined;
  #isAwaited = false;
  #isUnbounded = false;
  readonly #idle = new Set<() => void>();

  constructor(frames: Frames, now: () => number) {
    this.#frames = frames;
    this.#now = now;
  }

  request(weight: number, grant: () => void): () => void {
    if (this.#isUnbounded) {
      grant();
      return () => {};
    }
    const turn: Turn = { weight, grant };
    this.#waiting.push(turn);
    this.#awaitFrame();
    return () => {
      turn.grant = undefined;
    };
  }

  whenIdle(callback: () => void): () => void {
    this.#idle.add(callback);
    this.#awaitFrame();
    return () => this.#idle.delete(callback);
  }

  grantAll(): () => void {
    this.#isUnbounded = true;
    this.flush();
    return () => {
      this.#isUnbounded = false;
    };
  }

  flush(): void {
    while (this.#isUnbounded || this.#left > 0) {
      const turn = this.#waiting.pop();
      if (turn === undefined) return;
      if (turn.grant === undefined) continue;
      this.#left -= turn.weight;
      turn.grant();
    }
  }

  #awaitFrame(): void {
    if (this.#isAwaited) return;
    this.#isAwaited = true;
    this.#frames.request(this.#onFrame);
  }

  readonly #onFrame = (): void => {
    this.#isAwaited = false;
    const now = this.#now();
    if (this.#begunAt !== undefined) this.#adapt(now - this.#begunAt);
    this.#left = this.#perFrame;
    this.flush();
    const isDrawing = this.#left < this.#perFrame;
    this.#begunAt = isDrawing ? now : undefined;
    if (isDrawing) this.#awaitFrame();
    else this.#callIdle();
  };

  #callIdle(): void {
    const callbacks = [...this.#idle];
    this.#idle.clear();
    for (const callback of callbacks) callback();
  }

  #adapt(tookMs: number): void {
    const factor = tookMs > SLOW_MS ? 0.6 : tookMs < FAST_MS ? 1.2 : 1;
    this.#perFrame = Math.min(MOST, Math.max(FEWEST, this.#perFrame * factor));
  }
}

const TurnsContext = createContext<Turns | undefined>(undefined);

export const TurnsProvider = TurnsContext;

/** @throws Error outside of the transcript */
export function useTurns(): Turns {
  const turns = useContext(TurnsContext);
  if (turns === undefined) throw new Error('unable to draw; this part belongs inside of the transcript');
  return turns;
}
