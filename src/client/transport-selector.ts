/**
 * Which transport to take: the best that this platform has, that the operator allows (`GET /v1/config`) and that did
 * not fail lately. WebSocket, then SSE over fetch, then one JSON answer.
 */
import { boundedMs } from '../protocol/retry-after.ts';
import type { Transport } from './dash-stream.ts';
import type { ClientClock } from './platform.ts';

export const TRANSPORTS: readonly Transport[] = ['websocket', 'sse', 'json'];
/** What never worked is tried again after this long: the phone has left the network that blocked it, ms. */
const BLOCKED_FOR_MS = 300_000;
/** What worked before gets one more try, and is then given up for this long at first, doubling, ms. */
const FAILED_FOR_MS = 15_000;
/** An operator's word holds no longer, whatever it says, ms. */
const LONGEST_POLL_MS = 3_600_000;

interface Standing {
  readonly worked: boolean;
  /** In a row. */
  readonly failures: number;
  readonly blockedUntil: number;
}

const UNTRIED: Standing = { worked: false, failures: 0, blockedUntil: 0 };

export interface TransportSelector {
  choose(except?: Transport): Promise<Transport>;
  /** Something sent by it was answered. */
  worked(transport: Transport): void;
  /** It brought nothing, though the relay answers. True: another is to be taken for a while. */
  failed(transport: Transport): boolean;
  /** The operator may have changed his mind: ask before the next connection. */
  recheck(): void;
}

/**
 * `available`: what the platform can do, best first; JSON is the last resort in any case. `readConfig`: the answer of
 * `/v1/config`; without one the last one stands.
 */
export function createTransportSelector(
  clock: ClientClock,
  available: readonly Transport[],
  readConfig: () => Promise<unknown>,
): TransportSelector {
  const standings: Partial<Record<Transport, Standing>> = {};
  let best = 0;
  let validUntil = 0;
  let reading: Promise<void> | undefined;
  const read = async (): Promise<void> => {
    const { transport, pollAfterMs } = ((await readConfig()) ?? {}) as {
      readonly transport?: Transport;
      readonly pollAfterMs?: unknown;
    };
    reading = undefined;
    if (!transport || !TRANSPORTS.includes(transport)) return;
    best = TRANSPORTS.indexOf(transport);
    validUntil = clock.elapsed() + boundedMs(pollAfterMs, LONGEST_POLL_MS);
  };
  return {
    async choose(except) {
      if (clock.elapsed() >= validUntil) {
        reading ??= read();
        await reading;
      }
      const now = clock.elapsed();
      const isUsable = (transport: Transport): boolean =>
        transport !== except &&
        TRANSPORTS.indexOf(transport) >= best &&
        now >= (standings[transport] ?? UNTRIED).blockedUntil;
      return available.find(isUsable) ?? 'json';
    },
    worked(transport) {
      standings[transport] = { ...UNTRIED, worked: true };
    },
    failed(transport) {
      const { worked, failures } = standings[transport] ?? UNTRIED;
      const forMs = worked
        ? Math.min(BLOCKED_FOR_MS, failures && FAILED_FOR_MS * 2 ** (failures - 1))
        : BLOCKED_FOR_MS;
      standings[transport] = { worked, failures: failures + 1, blockedUntil: clock.elapsed() + forMs };
      return forMs > 0;
    },
    recheck() {
      validUntil = 0;
    },
  };
}
