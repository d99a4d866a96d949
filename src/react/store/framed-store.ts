/** What `useSyncExternalStore` reads: a snapshot that stays the same object until it says something else. */
import type { Frames } from './frames.ts';

export abstract class FramedStore<T> {
  readonly #frames: Frames;
  readonly #listeners = new Set<() => void>();
  #snapshot: T;

  constructor(frames: Frames, snapshot: T) {
    this.#frames = frames;
    this.#snapshot = snapshot;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly getSnapshot = (): T => this.#snapshot;

  /** What is to be seen now; the same object where that is nothing new. */
  protected abstract compose(before: T): T;

  /** Text came: to be seen with the next frame. */
  protected changed(): void {
    this.#frames.request(this.#publish);
  }

  /** A person did something: to be seen at once. */
  protected publish(): void {
    this.#publish();
  }

  readonly #publish = (): void => {
    const next = this.compose(this.#snapshot);
    if (next === this.#snapshot) return;
    this.#snapshot = next;
    for (const listener of this.#listeners) listener();
  };
}
