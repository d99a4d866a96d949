/**
 * Which transport to take: the best that this platform has, that the operator allows (`GET /v1/config`) and that did
 * not fail lately. WebSocket, then SSE over fetch, then one JSON answer.
 */
import type { ConfigFrame } from '../protocol/frames.ts';
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
  readonly worked?: boolean | undefined;
  /** In a row. */
  readonly failures?: number;
  readonly blockedUntil?: number;
}

export interface TransportSelector {
  choose(except?: Transport): Promise<Transport>;
  /** Something sent by it was answered. */
  worked(transport: Transport): void;
  /** It brought nothing, though the relay answers. True: another is to be taken for a while. */
  failed(transport: Transport): boolean;
  /** The operator's word, as the relay tells it: the body of `/v1/config`. */
  configured(config: unknown): void;
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
  const configured = (config: unknown): void => {
    const { transport, pollAfterMs } = (config ?? {}) as Partial<ConfigFrame>;
    reading = undefined;
    const place = TRANSPORTS.indexOf(transport as Transport);
    if (place < 0) return;
    best = place;
    validUntil = clock.elapsed() + boundedMs(pollAfterMs, LONGEST_POLL_MS);
  };
  const read = async (): Promise<void> => {
    const config = await readConfig();
    // Otherwise the relay has said something newer meanwhile.
    if (reading) configured(config);
  };
  return {
    configured,
    async choose(except) {
      if (clock.elapsed() >= validUntil) {
        reading ??= read();
        await reading;
      }
      const isUsable = (transport: Transport): boolean =>
        transport !== except &&
        TRANSPORTS.indexOf(transport) >= best &&
        clock.elapsed() >= (standings[transport]?.blockedUntil ?? 0);
      return available.find(isUsable) ?? 'json';
    },
    worked(transport) {
      standings[transport] = { worked: true };
    },
    failed(transport) {
      const { worked, failures = 0 } = standings[transport] ?? {};
      const doublingMs = failures && FAILED_FOR_MS * 2 ** (failures - 1);
      const forMs = worked ? Math.min(BLOCKED_FOR_MS, doublingMs) : BLOCKED_FOR_MS;
      standings[transport] = { worked, failures: failures + 1, blockedUntil: clock.elapsed() + forMs };
      return forMs > 0;
    },
    recheck() {
      validUntil = 0;
    },
  };
}
