/** Relays as processes of their own over one Redis, in front of one simulated model, behind one balancer. */
import type { Environment } from '../../src/config/environment.ts';
import { type Simulator, type SimulatorOptions, startSimulator } from '../../src/simulator/simulator.ts';
import { systemClock } from '../../src/time/clock.ts';
import { RelayClient, type RelayClientOptions } from '../support/relay-client.ts';
import { dataDirectory, type RelayChild, spawnRelay, upstreamAt, userId } from '../support/relay-process.ts';
import { createSigningKey, TEST_ISSUER, TEST_SECRET, TokenMint } from '../support/token-mint.ts';
import { type Balancer, startBalancer } from './balancer.ts';
import { type RedisServer, startRedis } from './redis-server.ts';

/** Tokens are from before any clock of these tests. */
const MINTED_BEFORE_SECONDS = 1800;
const mint = new TokenMint(systemClock, createSigningKey('HS256'));
/** What keys and channels begin with, the format included. */
export const KEYS = 'dash:test:2';
/** All relays know the same users. */
export const IDENTITY: Environment = { SUPABASE_JWT_SECRET: TEST_SECRET, SUPABASE_JWT_ISSUER: TEST_ISSUER };

export interface Machines {
  readonly redis: RedisServer;
  readonly simulator: Simulator;
  readonly balancer: Balancer;
  readonly relays: readonly RelayChild[];
  /**
   * One more machine, or, on the disk of one that was there, its next process. It is ready, but not in the balancer.
   * @param dataDir its disk, if it is to outlive this process; the caller's to remove
   */
  launch(environment?: Environment, dataDir?: string): Promise<RelayChild>;
  /** A client of a relay, or of whichever the balancer gives it. */
  client(at?: RelayChild, options?: Partial<RelayClientOptions> & { user?: number }): RelayClient;
  [Symbol.asyncDispose](): Promise<void>;
}

export async function startMachines(
  count: number,
  model: SimulatorOptions,
  environment: Environment = {},
): Promise<Machines> {
  const open = new AsyncDisposableStack();
  const redis = open.use(await startRedis());
  const simulator = await startSimulator(model);
  open.defer(() => simulator.close());
  const launch = async (
    more: Environment = {},
    dataDir = open.use(dataDirectory()).path,
  ): Promise<RelayChild> => {
    const settings = {
      ...IDENTITY,
      ...upstreamAt(simulator.url),
      REDIS_URL: redis.url,
      REDIS_PREFIX: 'dash:test',
      ...environment,
      ...more,
    };
    const relay = open.use(await spawnRelay(dataDir, settings));
    await relay.logged('redis is reached');
    return relay;
  };
  const relays = await Promise.all(Array.from({ length: count }, () => launch()));
  const balancer = open.use(await startBalancer(...relays.map(portOf)));
  return {
    redis,
    simulator,
    balancer,
    relays,
    launch,
    client(at, { user = 1, ...options } = {}) {
      const url = at?.url ?? `http://127.0.0.1:${balancer.port}`;
      const client = new RelayClient({ url, token: tokenOf(user), ...options });
      // One that is just connecting fails by being closed.
      open.defer(() => client.close().catch(() => {}));
      return client;
    },
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

/** @param seconds from when it was minted until now, and from now until it expires an hour more than that */
export function tokenOf(user = 1, tier = 'enterprise', seconds = MINTED_BEFORE_SECONDS): string {
  const now = Math.floor(Date.now() / 1000);
  const claims = { iat: now - seconds, exp: now + seconds + 3600, app_metadata: { tier } };
  return mint.token({ sub: userId(user), claims });
}

export function portOf(relay: RelayChild): number {
  return Number(new URL(relay.url).port);
}

/** The relay at that place; there is one. */
export function relayAt({ relays }: Machines, index: number): RelayChild {
  const relay = relays[index];
  if (relay === undefined) throw new Error(`there is no relay ${index}`);
  return relay;
}
