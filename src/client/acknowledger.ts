/**
 * Acknowledges what came, each 500 ms: at most 16 streams at a time. The relay takes 50 light frames a second and
 * judges by this second and the one before, so 16 in each half second are safe in any alignment.
 */
import type { AckFrame } from '../protocol/frames.ts';
import type { ClientClock, ClientTimer } from './clock.ts';

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
  const tick = (): void => {
    timer = undefined;
    let left = AT_A_TIME;
    for (const [id, seq] of unacked) {
      if (left-- === 0) break;
      unacked.delete(id);
      send({ type: 'ack', id, seq });
    }
    if (unacked.size > 0) timer = clock.after(EVERY_MS, tick);
  };
  return {
    held(id, seq) {
      unacked.set(id, seq);
      timer ??= clock.after(EVERY_MS, tick);
    },
    reset() {
      timer?.cancel();
      timer = undefined;
      unacked.clear();
    },
  };
}
