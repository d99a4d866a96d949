/** Connections lost and opened again. Owns when; the clients know how. */
import { setTimeout as delay } from 'node:timers/promises';
import { Histogram } from '../histogram.ts';
import type { StormReport } from './port.ts';
import type { RelayClient } from './relay-client.ts';

/** Long enough for a few deltas to be missing. */
const AWAY_MS = 250;
const RETRY_MS = 500;
const GIVE_UP_MS = 30_000;

/** To be called after `cut`. */
export async function reconnectAfterAWhile(client: RelayClient): Promise<void> {
  await delay(AWAY_MS);
  await client.reconnect();
}

/** All clients lose their connections, then all come back in the same instant, and again where they are refused. */
export async function storm(clients: readonly RelayClient[]): Promise<StormReport> {
  for (const client of clients) client.cut();
  await delay(AWAY_MS);
  const serving = new Histogram();
  const begun = performance.now();
  let refused = 0;
  const served = async (client: RelayClient): Promise<void> => {
    for (;;) {
      try {
        await client.reconnect();
        serving.record((performance.now() - begun) * 1000);
        return;
      } catch (error) {
        if (performance.now() - begun > GIVE_UP_MS) throw error;
        refused += 1;
        await delay(RETRY_MS);
      }
    }
  };
  await Promise.all(clients.map(served));
  return { seconds: (performance.now() - begun) / 1000, refused, serving: serving.summary() };
}
