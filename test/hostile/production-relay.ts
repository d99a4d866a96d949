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
import { connectClient, RelayClient, type RelayClientOptions } from '../support/relay-client.ts';
import { dataDirectory, type RelayChild, spawnRelay, upstreamAt } from '../support/relay-process.ts';
import { eventually } from '../support/test-run.ts';
import {
  createSigningKey,
  KeySetServer,
  type SigningKey,
  TokenMint,
  type TokenOptions,
} from '../support/token-mint.ts';
import type { ProcessReport } from './process-report.ts';
import { Secrets } from './secrets.ts';

/** What a good token says of its user; none of it is anybody's business. */
const EMAIL = 'learner@school.example';
/** So few that a seat which is not given back is soon missed. */
const SEATS = '8';
/** Files, sockets and timers that the ledger and the pool of upstream connections have and end in their own time. */
const SPARE = 2;
/** What answers that may still be resumed hold, and code that was compiled meanwhile. */
const SPARE_HEAP_BYTES = 8 * 1024 * 1024;
const REPORT = new URL('./process-report.ts', import.meta.url);
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
  readonly #reportUrl: string;
  #disposables = new AsyncDisposableStack();
  #baseline: Gauges = {};
  #reportBefore: ProcessReport = { listeners: {}, resources: {}, heapBytes: 0 };
  #linesSeen = 0;

  private constructor(parts: Parts) {
    this.process = parts.process;
    this.port = Number(new URL(parts.process.url).port);
    this.mint = parts.mint;
    this.keySet = parts.keySet;
    this.simulator = parts.simulator;
    this.secrets = parts.secrets;
    this.#metricsUrl = parts.metricsUrl;
    this.#reportUrl = parts.reportUrl;
  }

  /** The issuer signs with `key`, and its key set shows the public half of it, if it has one. */
  static async start(
    environment: Environment = {},
    key: SigningKey = createSigningKey(),
  ): Promise<ProductionRelay> {
    await using disposables = new AsyncDisposableStack();
    const keySet = disposables.adopt(await new KeySetServer().listen(), (server) => server.close());
    const simulator = disposables.adopt(await startSimulator({ pace: UNPACED, keepBodies: true }), (model) =>
      model.close(),
    );
    const mint = new TokenMint(systemClock, key, `${keySet.origin}/auth/v1`);
    keySet.publish(key);
    const directory = disposables.use(dataDirectory());
    const metricsPort = await freePort();
    const reportPort = await freePort();
    const settings: Environment = {
      NODE_ENV: 'production',
      SUPABASE_URL: keySet.origin,
      METRICS_PORT: String(metricsPort),
      MAX_CONNECTIONS: SEATS,
      ALLOWED_MODELS: 'claude-sonnet-5-5,sim:stall,sim:silent,sim:slow',
      ...upstreamAt(simulator.url),
      DASH_DEVELOPMENT: undefined,
      NODE_OPTIONS: `--expose-gc --import ${REPORT}`,
      PROCESS_REPORT_PORT: String(reportPort),
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
      reportUrl: `http://127.0.0.1:${reportPort}`,
    });
    await relay.#serveGoodClient();
    relay.#baseline = await relay.gauges();
    relay.#reportBefore = await relay.#report(0);
    relay.#disposables = disposables.move();
    return relay;
  }

  /** A token of this project, which must show nowhere from now on. */
  token(options: TokenOptions = {}): string {
    const claims = { app_metadata: { tier: 'enterprise' }, ...options.claims };
    return this.secrets.add(this.mint.token({ ...options, claims }));
  }

  client(token: string, options: Partial<RelayClientOptions> = {}): Promise<RelayClient> {
    return connectClient({ url: this.process.url, token, ...options });
  }

  async metrics(): Promise<string> {
    return (await ask(this.#metricsUrl)).body;
  }

  async gauges(): Promise<Gauges> {
    const body = await this.metrics();
    return Object.fromEntries([...body.matchAll(GAUGES)].map(([, name, value]) => [name, Number(value)]));
  }

  /**
   * The process lives and serves, holds nothing that it did not hold before (connections, streams, files, timers, listeners,
   * memory), and has logged no secret.
   */
  async unharmed(): Promise<void> {
    await this.#serveGoodClient();
    let now: Gauges = {};
    await eventually(`nothing left open; ${JSON.stringify(this.#baseline)}`, async () => {
      now = await this.gauges();
      const { process_open_fds: _, ...exact } = now;
      return isWithin(exact, this.#baseline, 0) && isWithin(now, this.#baseline, SPARE);
    });
    await this.#holdsNoMore();
    const lines = this.process.logText.slice(this.#linesSeen).join('');
    this.#linesSeen = this.process.logText.length;
    expect(this.secrets.in(lines), 'secrets in the log').toEqual([]);
    expect(lines).not.toContain('"level":"error"');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#disposables.disposeAsync();
  }

  async #holdsNoMore(): Promise<void> {
    const { listeners, resources, heapBytes } = this.#reportBefore;
    const most = heapBytes + SPARE_HEAP_BYTES;
    let now = this.#reportBefore;
    await eventually(`nothing left behind; ${JSON.stringify(this.#reportBefore)}`, async () => {
      now = await this.#report(most);
      return (
        isWithin(now.listeners, listeners, 0) &&
        isWithin(now.resources, resources, SPARE) &&
        now.heapBytes <= most
      );
    });
  }

  /** @param over bytes of heap from which on garbage is collected first */
  async #report(over: number): Promise<ProcessReport> {
    const { body } = await ask(`${this.#reportUrl}/?over=${over}`);
    return JSON.parse(body) as ProcessReport;
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

/** Whether there is of everything at most what there was, and so many more. */
function isWithin(now: Gauges, before: Gauges, spare: number): boolean {
  return Object.entries(now).every(([name, count]) => count <= (before[name] ?? 0) + spare);
}

interface Parts {
  readonly process: RelayChild;
  readonly mint: TokenMint;
  readonly keySet: KeySetServer;
  readonly simulator: Simulator;
  readonly secrets: Secrets;
  readonly metricsUrl: string;
  readonly reportUrl: string;
}

function secretsOf({ ANTHROPIC_API_KEY, SUPABASE_JWT_SECRET }: Environment): Secrets {
  const secrets = new Secrets();
  for (const secret of [ANTHROPIC_API_KEY, SUPABASE_JWT_SECRET, EMAIL]) secrets.add(secret ?? '');
  return secrets;
}
