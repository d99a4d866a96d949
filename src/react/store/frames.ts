/** When screens learn of changes: once per frame, however fast text arrives, and all stores in the same turn. */

/** Calls back once, before the next frame is drawn. */
export type FrameScheduler = (callback: () => void) => void;

/** A page in the background draws no frames: then this often, ms. */
const WITHOUT_FRAMES_MS = 250;

export const deviceFrames: FrameScheduler = (callback) => {
  const { requestAnimationFrame, cancelAnimationFrame } = globalThis as Partial<FrameFunctions>;
  if (requestAnimationFrame === undefined) {
    setTimeout(callback, 16);
    return;
  }
  const late = setTimeout(() => {
    cancelAnimationFrame?.(frame);
    callback();
  }, WITHOUT_FRAMES_MS);
  const frame = requestAnimationFrame(() => {
    clearTimeout(late);
    callback();
  });
};

interface FrameFunctions {
  requestAnimationFrame(callback: () => void): number;
  cancelAnimationFrame(handle: number): void;
}

export interface Frames {
  /** Calls `flush` at the next frame; once, however often it is asked for before. */
  request(flush: () => void): void;
}

export function createFrames(schedule: FrameScheduler = deviceFrames): Frames {
  let waiting = new Set<() => void>();
  return {
    request(flush) {
      if (waiting.size === 0) {
        schedule(() => {
          const due = waiting;
          waiting = new Set();
          for (const each of due) each();
        });
      }
      waiting.add(flush);
    },
  };
}
