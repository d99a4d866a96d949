import { createFrames, type Frames } from '../../src/react/store/frames.ts';

/** Frames that are drawn when the test says so. */
export interface ManualFrames extends Frames {
  /** How many were asked for and not drawn yet: never more than one. */
  readonly pending: number;
  draw(): void;
}

export function manualFrames(): ManualFrames {
  const callbacks: (() => void)[] = [];
  const frames = createFrames((callback) => callbacks.push(callback));
  return {
    ...frames,
    get pending() {
      return callbacks.length;
    },
    draw() {
      for (const callback of callbacks.splice(0)) callback();
    },
  };
}
