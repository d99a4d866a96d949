/** What the page is made of beneath the screen: the SDK on a network that can be made bad, and what is seen of it. */

import { createDashClient, type DashClient, type Transport } from '../client/index.ts';
import { bearerSubprotocol, browserSignals, deviceClock } from '../client/platform.ts';
import { createDevelopmentTokens, type DevelopmentTokens } from './development-tokens.ts';
import { createShapedNetwork } from './shaped-network.ts';
import type { Account } from './supabase-account.ts';
import { Telemetry, watchClient } from './telemetry.ts';

export interface Demo {
  readonly client: DashClient;
  readonly telemetry: Telemetry;
  /** Nothing gets through for so long, ms. */
  cut(ms: number): void;
  slow(on: boolean): void;
  /** Of the page's own tokens alone. */
  readonly expireToken: (() => Promise<void>) | undefined;
  /** Forgets all that was asked; undefined where nobody signs in. */
  readonly signOut: (() => Promise<void>) | undefined;
  prescribe(transport: Transport): void;
  /** Of the answers to come; the empty name leaves it to the relay. */
  choose(model: string): void;
}

/** Those of users cannot be shortened here. */
type DemoTokens = Pick<DevelopmentTokens, 'get'> & Partial<Pick<DevelopmentTokens, 'shorten'>>;

const TRANSPORTS = { websocket: 'WebSocket', sse: 'SSE', json: 'JSON' } as const;

/** `account`: of whoever is signed in; without one the page takes development tokens. */
export function createDemo(url: string, account?: Account): Demo {
  const telemetry = new Telemetry();
  const browser = {
    webSocket: bearerSubprotocol,
    fetch: (...request: Parameters<typeof fetch>) => fetch(...request),
    signals: browserSignals,
    clock: deviceClock,
  };
  const network = createShapedNetwork(browser, (transport) => telemetry.used(transport));
  let minted = 0;
  const { get: getToken, shorten }: DemoTokens = account
    ? { get: account.getToken }
    : createDevelopmentTokens(network.fetch, (lifetimeS) => {
        minted += 1;
        if (minted > 1) telemetry.note(`A fresh token, good for ${lifetimeS} s`);
      });
  let model = '';
  const client = createDashClient({
    url,
    getToken,
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
    expireToken:
      shorten &&
      (async () => {
        await shorten();
        network.wake();
      }),
    signOut:
      account &&
      (async () => {
        client.signOut(); // first: what was asked is forgotten while it is known whose it was
        await account.signOut();
      }),
    prescribe(transport) {
      telemetry.note(`The operator’s switch says ${TRANSPORTS[transport]}`);
      network.prescribe(transport);
    },
    choose(name) {
      model = name;
    },
  };
}
