/**
 * The relay as production runs it, a process of its own, before the key set of a project and a simulated model that
 * the test holds; and what must hold behind every hostile input, whatever it was: `unharmed`.
 */

import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import type { Environment } from '../../src/config/environment.ts';
import { UNPACED } from '../../src/simulator/pacer.ts';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { systemClock } from '../../src/time/clock.ts';
import { freePort } from '../support/free-port.ts';
import { ask } from '../support/http-doors.ts';
import { connectClient, RelayClient } from '../support/relay-client.ts';
import { dataDirectory, type RelayChild, spawnRelay, upstreamAt } from '../support/relay-process.ts';
import { eventually } from '../support/test-run.ts';
import {
  createSigningKey,
  KeySetServer,
  type SigningKey,
  TokenMint,
  type TokenOptions,
} from '../support/token-mint.ts';
import { Secrets } from './secrets.ts';

/** What a good token says of its user; none of it is anybody's business. */
const EMAIL = 'learner@school.example';
/** So few that a seat which is not given back is soon missed. */
const SEATS = '8';
/** Files and sockets that the ledger and the pool of upstream connections open and close in their own time. */
const SPARE_FDS = 2;
const GAUGES = /^dash_(connections|live_streams|upstream_requests|process_open_fds) (\d+)$/gm;

type Gauges = Readonly<Record<string, number>>;

export class ProductionRelay implements AsyncDisposable {
  readonly process: RelayChild;
  readonly port: number;
  readonly mint: TokenMint;
  readonly keySet: KeySetServer;
  readonly simulator: Simulator;
  readonly secrets: Secrets;
  readonly #metricsUrl: string;
  #disposables = new AsyncDisposableStack();
  #baseline: Gauges = {};
  #linesSeen = 0;

  private constructor(parts: Parts) {
    this.process = parts.process;
    this.port = Number(new URL(parts.process.url).port);
    this.mint = parts.mint;
    this.keySet = parts.keySet;
    this.simulator = parts.simulator;
    this.secrets = parts.secrets;
    this.#metricsUrl = parts.metricsUrl;
  }

  /** The issuer signs with `key`, and its key set shows the public half of it, if it has one. */
  static async start(
    environment: Environment = {},
    key: SigningKey = createSigningKey(),
  ): Promise<ProductionRelay> {
    await using disposables = new AsyncDisposableStack();
    const keySet = disposables.adopt(await new KeySetServer().listen(), (server) => server.close());
    const simulator = disposables.adopt(await startSimulator({ pace: UNPACED }), (model) => model.close());
    const mint = new TokenMint(systemClock, key, `${keySet.origin}/auth/v1`);
    keySet.publish(key);
    const directory = disposables.use(dataDirectory());
    const metricsPort = await freePort();
    const settings: Environment = {
      NODE_ENV: 'production',
      SUPABASE_URL: keySet.origin,
      METRICS_PORT: String(metricsPort),
      MAX_CONNECTIONS: SEATS,
      ALLOWED_MODELS: 'claude-sonnet-5-5,sim:stall,sim:silent,sim:slow',
      ...upstreamAt(simulator.url),
      DASH_DEVELOPMENT: undefined,
      ...environment,
    };
    const child = disposables.use(await spawnRelay(directory.path, settings));
    const secrets = secretsOf(settings);
    const metricsUrl = `http://127.0.0.1:${metricsPort}/metrics`;
    const relay = new ProductionRelay({
      process: child,
      mint,
      keySet,
      simulator,
      secrets,
      metricsUrl,
    });
    await relay.#serveGoodClient();
    relay.#baseline = await relay.gauges();
    relay.#disposables = disposables.move();
    return relay;
  }

  /** A token of this project, which must show nowhere from now on. */
  token(options: TokenOptions = {}): string {
    const claims = { app_metadata: { tier: 'enterprise' }, ...options.claims };
    return this.secrets.add(this.mint.token({ ...options, claims }));
  }

  client(token: string): Promise<RelayClient> {
    return connectClient({ url: this.process.url, token });
  }

  async gauges(): Promise<Gauges> {
    const { body } = await ask(this.#metricsUrl);
    return Object.fromEntries([...body.matchAll(GAUGES)].map(([, name, value]) => [name, Number(value)]));
  }

  /** The process serves, holds nothing that it did not hold before, and has logged no secret. */
  async unharmed(): Promise<void> {
    await this.#serveGoodClient();
    let now: Gauges = {};
    await eventually(`nothing left open; ${JSON.stringify(this.#baseline)}`, async () => {
      now = await this.gauges();
      return Object.entries(this.#baseline).every(
        ([name, before]) => (now[name] ?? 0) <= before + slack(name),
      );
    });
    const lines = this.process.logText.slice(this.#linesSeen).join('');
    this.#linesSeen = this.process.logText.length;
    expect(this.secrets.in(lines), 'secrets in the log').toEqual([]);
    expect(lines).not.toContain('"level":"error"');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#disposables.disposeAsync();
  }

  /** One whole answer over a socket, up to the log line that says it is closed: all lines before it are there too. */
  async #serveGoodClient(): Promise<void> {
    // A new user each time: of one who comes and goes all the while, not every line is written.
    const token = this.token({ sub: randomUUID() });
    const client = new RelayClient({ url: this.process.url, token });
    const { connectionId } = await client.connect();
    expect(await client.ended(client.start())).toMatchObject({ type: 'done' });
    await client.close();
    await eventually('the good client is logged', () =>
      this.process.logLines.some(
        (line) => line.msg === 'connection closed' && line['connectionId'] === connectionId,
      ),
    );
  }
}

function slack(gauge: string): number {
  return gauge === 'process_open_fds' ? SPARE_FDS : 0;
}

interface Parts {
  readonly process: RelayChild;
  readonly mint: TokenMint;
  readonly keySet: KeySetServer;
  readonly simulator: Simulator;
  readonly secrets: Secrets;
  readonly metricsUrl: string;
}

function secretsOf({ ANTHROPIC_API_KEY, SUPABASE_JWT_SECRET }: Environment): Secrets {
  const secrets = new Secrets();
  for (const secret of [ANTHROPIC_API_KEY, SUPABASE_JWT_SECRET, EMAIL]) secrets.add(secret ?? '');
  return secrets;
}
