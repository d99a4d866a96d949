/** One direction of one connection: what goes in comes out in order, as late as the line is bad. */

import type { ClientClock } from '../client/platform.ts';

export interface Shape {
  readonly latencyMs: number;
  readonly bytesPerSecond: number;
}

export interface Link {
  /** At once where the line is good and nothing waits. */
  pass(bytes: number, deliver: () => void): void;
  wait(bytes: number): Promise<void>;
  /** What is under way is lost. */
  close(): void;
}

/** `shape` is asked again for each piece: what waits when a line becomes good arrives soon. */
export function createLink(clock: ClientClock, shape: () => Shape | undefined): Link {
  let waiting = 0;
  let closed = false;
  let tail = Promise.resolve();

  const pass: Link['pass'] = (bytes, deliver) => {
    if (waiting === 0 && shape() === undefined) {
      deliver();
      return;
    }
    const arrivesAt = clock.elapsed() + (shape()?.latencyMs ?? 0);
    waiting += 1;
    tail = tail.then(async () => {
      const { bytesPerSecond } = shape() ?? {};
      if (bytesPerSecond !== undefined) {
        const ms = Math.max(arrivesAt - clock.elapsed(), (bytes / bytesPerSecond) * 1000);
        await new Promise<void>((resolve) => clock.after(ms, resolve));
      }
      waiting -= 1;
      if (!closed) deliver();
    });
  };
  return {
    pass,
    wait: (bytes) => new Promise((resolve) => pass(bytes, resolve)),
    close() {
      closed = true;
    },
  };
}
