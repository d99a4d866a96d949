/**
 * Which transport to take: the best that this platform has, that the operator allows (`GET /v1/config`) and that was
 * not found blocked lately. WebSocket, then SSE over fetch, then one JSON answer.
 */
import type { Transport } from './answer.ts';
import type { ClientClock } from './clock.ts';

export const RUNGS: readonly Transport[] = ['websocket', 'sse', 'json'];
/** What did not work is tried again after this long: the phone has left the network that blocked it, ms. */
const BLOCKED_FOR_MS = 300_000;

interface TransportConfig {
  readonly transport: Transport;
  readonly pollAfterMs: number;
}

export interface Ladder {
  choose(except?: Transport): Promise<Transport>;
  /** It does not work here, though the relay answers. */
  block(transport: Transport): void;
  /** The operator may have changed his mind: ask before the next connection. */
  recheck(): void;
}

/**
 * `available`: what the platform can do, best first; JSON is the last resort in any case. `readConfig`: the answer of
 * `/v1/config`; without one the last one stands.
 */
export function createLadder(
  clock: ClientClock,
  available: readonly Transport[],
  readConfig: () => Promise<unknown>,
): Ladder {
  const blockedUntil: Partial<Record<Transport, number>> = {};
  let best = 0;
  let validUntil = 0;
  let reading: Promise<void> | undefined;
  const read = async (): Promise<void> => {
    const { transport, pollAfterMs } = ((await readConfig()) || {}) as Partial<TransportConfig>;
    reading = undefined;
    if (!transport) return;
    best = RUNGS.indexOf(transport);
    validUntil = clock.elapsed() + (pollAfterMs ?? 0);
  };
  return {
    async choose(except) {
      if (clock.elapsed() >= validUntil) {
        reading ??= read();
        await reading;
      }
      const now = clock.elapsed();
      const isUsable = (rung: Transport): boolean =>
        rung !== except && RUNGS.indexOf(rung) >= best && now >= (blockedUntil[rung] ?? 0);
      return available.find(isUsable) ?? 'json';
    },
    block(transport) {
      blockedUntil[transport] = clock.elapsed() + BLOCKED_FOR_MS;
    },
    recheck() {
      validUntil = 0;
    },
  };
}
