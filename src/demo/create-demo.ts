/** What the page is made of beneath the screen: the SDK on a network that can be made bad, and what is seen of it. */

import { createDashClient, type DashClient, type Transport } from '../client/index.ts';
import { bearerSubprotocol, browserSignals, deviceClock } from '../client/platform.ts';
import { createDevelopmentTokens } from './development-tokens.ts';
import { createShapedNetwork } from './shaped-network.ts';
import { Telemetry, watchClient } from './telemetry.ts';

export interface Demo {
  readonly client: DashClient;
  readonly telemetry: Telemetry;
  /** Nothing gets through for so long, ms. */
  cut(ms: number): void;
  slow(on: boolean): void;
  expireToken(): Promise<void>;
  prescribe(transport: Transport): void;
  /** Of the answers to come; the empty name leaves it to the relay. */
  choose(model: string): void;
}

const TRANSPORTS = { websocket: 'WebSocket', sse: 'SSE', json: 'JSON' } as const;

export function createDemo(url: string): Demo {
  const telemetry = new Telemetry();
  const browser = {
    webSocket: bearerSubprotocol,
    fetch: (...request: Parameters<typeof fetch>) => fetch(...request),
    signals: browserSignals,
    clock: deviceClock,
  };
  const network = createShapedNetwork(browser, (transport) => telemetry.used(transport));
  let minted = 0;
  const tokens = createDevelopmentTokens(network.fetch, (lifetimeS) => {
    minted += 1;
    if (minted > 1) telemetry.note(`A fresh token, good for ${lifetimeS} s`);
  });
  let model = '';
  const client = createDashClient({
    url,
    getToken: tokens.get,
    webSocket: network.webSocket,
    fetch: network.fetch,
    signals: network.signals,
  });
  return {
    client: watchClient(client, telemetry, () => model || undefined),
    telemetry,
    cut(ms) {
      telemetry.note(`The network is cut for ${ms / 1000} s`, 'bad');
      network.cut(ms);
    },
    slow(on) {
      telemetry.note(on ? 'The network is slow now' : 'The network is good again');
      network.slow(on);
    },
    async expireToken() {
      await tokens.shorten();
      network.wake();
    },
    prescribe(transport) {
      telemetry.note(`The operator’s switch says ${TRANSPORTS[transport]}`);
      network.prescribe(transport);
    },
    choose(name) {
      model = name;
    },
  };
}
