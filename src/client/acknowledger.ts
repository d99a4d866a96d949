/**
 * Acknowledges what came, each 500 ms: at most 16 streams at a time. The relay takes 50 light frames a second and
 * counts this second and the one before, so 16 in each half second are safe in any alignment.
 *
 * In the background Android's timers stand still and those of a browser's hidden tab come once a minute, while sockets
 * go on: then what arrives moves it on, or the relay would take the reader for stalled.
 */
import type { AckFrame } from '../protocol/frames.ts';
import type { ClientClock, ClientTimer } from './platform.ts';

const EVERY_MS = 500;
const AT_A_TIME = 16;

export interface Acknowledger {
  /** A numbered frame is held by the application. */
  held(id: string, seq: number): void;
  reset(): void;
}

export function createAcknowledger(clock: ClientClock, send: (frame: AckFrame) => void): Acknowledger {
  const unacked = new Map<string, number>();
  let timer: ClientTimer | undefined;
  let dueAt = 0;
  const wait = (): ClientTimer => {
    dueAt = clock.elapsed() + EVERY_MS;
    return clock.after(EVERY_MS, tick);
  };
  const tick = (): void => {
    timer?.cancel();
    for (const [id, seq] of [...unacked].slice(0, AT_A_TIME)) {
      unacked.delete(id);
      send({ type: 'ack', id, seq });
    }
    timer = unacked.size > 0 ? wait() : undefined;
  };
  return {
    held(id, seq) {
      unacked.set(id, seq);
      timer ??= wait();
      if (clock.elapsed() >= dueAt) tick();
    },
    reset() {
      unacked.clear();
      tick();
    },
  };
}
