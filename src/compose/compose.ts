/**
 * The composition root: builds every part from the configuration and wires them. The only file that knows them all;
 * it decides nothing else. What a configuration does without (Redis, Postgres, the simulator) is not loaded: each is
 * 3 to 10 MB (decision 0014).
 */
import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createAuthenticator } from '../auth/create-authenticator.ts';
import { createDevelopmentIssuer, type DevelopmentIssuer } from '../auth/development-issuer.ts';
import type { Authenticator } from '../auth/port.ts';
import type { StoreSharedRuns } from '../cluster/shared-runs.ts';
import { type Config, ConfigError } from '../config/environment.ts';
import { type ConfigFiles, readConfigFiles } from '../config/files.ts';
import type { Health } from '../http/health.ts';
import { HttpServer } from '../http/http-server.ts';
import { aiGatewayRoute } from '../http/routes/ai-gateway.ts';
import { chatRoutes } from '../http/routes/chat.ts';
import { allowOrigins } from '../http/routes/cors.ts';
import { noDemoRoute } from '../http/routes/demo.ts';
import { transportConfigRoute } from '../http/routes/transport-config.ts';
import { usageRoute } from '../http/routes/usage.ts';
import { type LocalUsageLedger, openUsageLedger } from '../ledger/ledger.ts';
import type { Outbox } from '../ledger/outbox.ts';
import { UsageShipper } from '../ledger/shipper.ts';
import { postgresUsageSink } from '../ledger/usage-sink.ts';
import { type LogOutput, openLogOutput } from '../observability/log-output.ts';
import { createLogger, type Logger } from '../observability/logger.ts';
import { memoryLimit, watchMemory } from '../observability/memory-pressure.ts';
import { createMetrics, type Metrics } from '../observability/metrics.ts';
import { createObserver } from '../observability/observer.ts';
import type { Observer } from '../observability/port.ts';
import { descriptorLimit } from '../observability/resources.ts';
import { SampledLines } from '../observability/sampled-lines.ts';
import type { PostgresPool } from '../postgres/pool.ts';
import { type PriceTable, SIMULATED_PRICES } from '../pricing/prices.ts';
import { createQuota, type OpenQuota } from '../quota/create-quota.ts';
import type { Plans } from '../quota/plans.ts';
import type { Quota } from '../quota/port.ts';
import { createStartLimit } from '../quota/start-limit.ts';
import { Relay } from '../relay/relay.ts';
import type { RequestPolicy } from '../run/request.ts';
import { SCRIPTED_MODELS } from '../simulator/behaviour.ts';
import type { Simulator } from '../simulator/simulator.ts';
import { MemoryStreamLogs } from '../stream-log/memory.ts';
import type { StreamLogs } from '../stream-log/port.ts';
import { systemClock } from '../time/clock.ts';
import type { AccountView } from '../upstream/account.ts';
import { type AnthropicUpstream, createAnthropicUpstream } from '../upstream/anthropic.ts';

const DEMO_DIRECTORY = fileURLToPath(new URL('../../dist/demo/', import.meta.url));
const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};
/** What the last log lines may take to leave at the end, ms. */
const LOG_FLUSH_MS = 2000;
/** Batches of usage rows on their way to Postgres at once. */
const SHIPPING_LANES = 2;

export interface RelayService {
  /** Loads keys and listens. */
  start(): Promise<void>;
  /** Where it listens, once it does. */
  readonly url: string;
  /** Mints tokens; only in development without keys. */
  readonly developmentIssuer: DevelopmentIssuer | undefined;
  /** Whether answers come from the simulated model. */
  readonly simulated: boolean;
  /** Lets streams end, as PROTOCOL.md says of going away. A second call stops waiting. */
  drain(signal: string): Promise<void>;
  /** Closes every part, last the ledger. Idempotent. */
  close(): Promise<void>;
  /** Logs what ended the process. */
  crashed(cause: unknown): void;
}

export interface ComposeOptions {
  readonly output?: LogOutput;
  /** Whether answers come from a simulated model, for nothing: by default where there is no key for the real one. */
  readonly simulated?: boolean;
}

/**
 * Builds the relay.
 * @throws ConfigError naming what of the configuration cannot be used; Error with a sentence for the operator where
 *   something else stands in the way
 */
export async function composeRelay(
  config: Config,
  { output = openLogOutput(), simulated = isSimulated(config) }: ComposeOptions = {},
): Promise<RelayService> {
  const { LOG_LEVEL: level, INSTANCE_ID: instanceId } = config;
  const logger = createLogger({ level, version, instanceId, output });
  const sampled = new SampledLines(logger, systemClock);
  const metrics = createMetrics();
  const observer = createObserver(logger, metrics, sampled);
  const files = readConfigFiles(config, systemClock.now(), (tier) =>
    logger.warn({ tier }, 'a tier without a plan: its users have the plan free'),
  );
  const { prices, plans } = files;
  const policy = requestPolicy(config, files);
  const identity = await composeIdentity(config, logger);
  const ledger = openUsageLedger({
    dataDir: config.DATA_DIR,
    prices,
    simulated,
    clock: systemClock,
    onError: (what, cause) => observer.failed({ what: `ledger: ${what}`, cause }),
  });
  const postgres = await composePostgres(config, logger);
  const quota = composeQuota(config, {
    plans,
    prices: simulated ? SIMULATED_PRICES : prices,
    policy,
    postgres,
    observer,
    logger,
  });
  const shipper = postgres && composeShipper(config, ledger.outbox, shareOf(postgres), logger);
  const { upstream, simulator } = await composeUpstream(config, logger);
  const logs = new MemoryStreamLogs({
    maxBytes: config.STREAM_LOG_MAX_BYTES,
    totalBytes: config.STREAM_LOG_TOTAL_BYTES,
  });
  const { authenticator, developmentIssuer } = identity;
  const shared = await composeShared(config, redisPrefix(config, developmentIssuer), logs, {
    logger,
    metrics,
    sampled,
  });
  const relay = new Relay({
    version,
    authenticator,
    upstream,
    logs,
    shared: shared?.streams,
    ledger,
    quota,
    startLimit: createStartLimit(shared),
    limitsOf: (principal) => plans.limitsOf(principal),
    observer,
    clock: systemClock,
    policy,
    ...coreLimits(config),
  });
  const health: Health = {
    get state() {
      return healthState(relay, authenticator, upstream.account);
    },
    get dependencies() {
      return reported({
        postgres: shipper?.up && !quota.alone,
        redis: shared?.streams.up,
        account: simulator === undefined ? upstream.account.state !== 'fails' : undefined,
      });
    },
  };
  const http = composeHttp(config, {
    relay,
    quota,
    authenticator,
    developmentIssuer,
    observer,
    metrics,
    logger,
    health,
  });
  watch(metrics, { upstream, logs, ledger, quota, output, http });
  if (shipper !== undefined) watchShipping(metrics, ledger);
  if (shared !== undefined) watchShared(metrics, shared.streams);

  const memory = watchMemory(systemClock, memoryLimit(), (pressure) => {
    if (relay.overloaded !== (pressure !== 'none')) logger.warn({ pressure }, 'memory pressure changed');
    relay.applyMemoryPressure(pressure);
  });

  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    await http.close();
    memory.cancel();
    await shared?.streams.close(); // the endings of the drain are with the other machines
    relay.close();
    await upstream.close();
    await simulator?.close();
    authenticator.close();
    await quota.close();
    await shipper?.close();
    await postgres?.close();
    await ledger.close(); // last: the rows of everything above are in it
    sampled.close();
    logger.info('stopped');
    await output.close(LOG_FLUSH_MS);
  };

  return {
    developmentIssuer,
    simulated: simulator !== undefined,
    get url() {
      const { address, family, port } = http.address;
      return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
    },
    async start() {
      const account = simulator === undefined ? upstream.checkAccount() : undefined;
      await Promise.all([authenticator.start(), quota.start(), shared?.streams.beat(), account]);
      await http.listen().catch((cause: unknown) => {
        throw listenFailure(cause, config);
      });
      logger.info(
        { ...http.address, simulated: simulator !== undefined, interrupted: ledger.interrupted },
        'listening',
      );
    },
    async drain(signal) {
      logger.info({ signal, liveStreams: relay.registry.live }, 'draining');
      await relay.drain(config.DRAIN_MS);
    },
    close: () => (closing ??= close()),
    crashed: (cause) => observer.failed({ what: 'process', cause }),
  };
}

/** Lets many machines serve one another's streams; undefined where this is the only one. */
async function composeShared(
  config: Config,
  prefix: string,
  logs: StreamLogs,
  { logger, metrics, sampled }: { logger: Logger; metrics: Metrics; sampled: SampledLines },
) {
  if (config.REDIS_URL === undefined) return undefined;
  const { openSharedRuns: openSharedStreams } = await import('../cluster/open-shared-runs.ts');
  const opened = openSharedStreams({
    url: config.REDIS_URL,
    prefix,
    instanceId: config.INSTANCE_ID,
    logs,
    clock: systemClock,
    longestRunMs: config.UPSTREAM_TOTAL_MS,
    endedMs: config.RESUME_WINDOW_MS,
    onDown({ code: reason, operation, hint }) {
      metrics.redisFailures.inc({ reason });
      logger.warn({ reason, operation, hint }, 'redis is away: streams go on here');
    },
    onUp: () => logger.info({ prefix }, 'redis is reached'),
    onMalformed: (what, epoch) => sampled.write(MALFORMED, undefined, { what, epoch }),
    onFormats: (formats) => logger.warn({ formats }, OTHER_FORMATS[formats.length === 0 ? 'gone' : 'there']),
  });
  return { ...opened, prefix };
}

const MALFORMED = {
  level: 'error',
  message: 'malformed in redis: that stream is lost to other machines',
  lines: 20,
  fields: {},
} as const;

const OTHER_FORMATS = {
  there:
    'relays of another version are on this redis: no stream moves between them and this one until they are gone',
  gone: 'no relay of another version is on this redis any more',
} as const;

/** Relays that accept the same tokens share streams, and nobody else. */
function redisPrefix(
  { REDIS_PREFIX: prefix, auth }: Config,
  developmentIssuer: DevelopmentIssuer | undefined,
): string {
  const issuer = auth.kind === 'supabase' ? auth.issuer : developmentIssuer?.kid;
  return prefix ?? `dash:${hash('sha256', issuer ?? '').slice(0, 12)}`;
}

/** Names the key of an address that cannot be listened on. A port in use may be free later: that is no bad key. */
function listenFailure(cause: unknown, { PORT, METRICS_PORT }: Config): Error {
  const { code, syscall, port, message } = cause as NodeJS.ErrnoException & { port?: number };
  const which = port === METRICS_PORT && port !== PORT ? 'METRICS_' : '';
  if (code === 'EADDRINUSE')
    return new Error(`${which}PORT: ${port} is in use; stop what listens there, or choose another port`, {
      cause,
    });
  if (code === 'EACCES')
    return new ConfigError([`${which}PORT: this process may not listen on ${port}; choose one above 1023`]);
  if (code === 'EADDRNOTAVAIL' || syscall === 'getaddrinfo')
    return new ConfigError([`${which}HOST: ${message}; name an address of this machine`]);
  return cause instanceof Error ? cause : new Error(String(cause));
}

/** What is not set up is not reported. */
function reported(isUp: Readonly<Record<string, boolean | undefined>>): Health['dependencies'] {
  const known = Object.entries(isUp).filter(([, up]) => up !== undefined);
  if (known.length === 0) return undefined;
  return Object.fromEntries(known.map(([name, up]) => [name, up ? 'up' : 'down']));
}

function healthState(relay: Relay, authenticator: Authenticator, account: AccountView): Health['state'] {
  if (relay.draining) return 'draining';
  if (relay.overloaded) return 'overloaded';
  if (!authenticator.ready) return 'starting';
  // One that stopped working did so for all machines: a balancer that leaves them all hides the reason from users.
  return account.state === 'fails' && !account.hasWorked ? 'upstream_account' : 'ready';
}

/** Shared by quotas and usage rows. Undefined without DATABASE_URL. */
async function composePostgres(config: Config, logger: Logger): Promise<PostgresPool | undefined> {
  const { DATABASE_URL: url, DATABASE_POOL: max } = config;
  if (url === undefined) return undefined;
  const { openPostgresPool } = await import('../postgres/pool.ts');
  return openPostgresPool(url, max, (event) =>
    logger.warn(event, 'Postgres gives fewer connections than DATABASE_POOL: statements share them'),
  );
}

/** The pool, for one of those who share it: it is closed behind all of them. */
function shareOf(pool: PostgresPool): PostgresPool {
  return { ...pool, close: async () => {} };
}

function isSimulated(config: Config): boolean {
  return config.ANTHROPIC_API_KEY === undefined;
}

function requestPolicy(config: Config, { actions, models, prices }: ConfigFiles): RequestPolicy {
  return {
    actions,
    models,
    defaultModel: config.DEFAULT_MODEL,
    allowedModels: new Set(
      config.ALLOWED_MODELS ?? [...prices.models, ...(isSimulated(config) ? SCRIPTED_MODELS : [])],
    ),
  };
}

interface QuotaInputs {
  readonly plans: Plans;
  readonly prices: PriceTable;
  readonly policy: RequestPolicy;
  readonly postgres: PostgresPool | undefined;
  readonly observer: Observer;
  readonly logger: Logger;
}

function composeQuota(
  config: Config,
  { plans, prices, policy, postgres, observer, logger }: QuotaInputs,
): OpenQuota {
  return createQuota({
    dataDir: config.DATA_DIR,
    plans,
    prices,
    clock: systemClock,
    actions: [...policy.actions.keys()],
    postgres: postgres && shareOf(postgres),
    whileOut: config.QUOTA_ON_OUTAGE,
    longestRunMs: config.UPSTREAM_TOTAL_MS,
    wayOut: isSimulated(config) ? developersWayOut : undefined,
    onOutage: (cause) => observer.failed({ what: 'quota: Postgres', cause }),
    onRecovered: () => logger.info('quota: Postgres is back'),
    onBudgetSpent: (event) =>
      logger.error(event, 'daily budget spent: starts are refused until the next day'),
    onBudgetReserved: (event) =>
      logger.warn(event, 'the rest of the daily budget is reserved by live answers: starts wait for them'),
  });
}

/** Who tries the simulated model and meets a quota need not wait for the next month. */
function developersWayOut(plan: string): string {
  return `answers are simulated here: the plan is "${plan}", limits are in PLANS_FILE; a token with app_metadata.tier "enterprise", as POST /dev/token gives, has none`;
}

/** Without Postgres the ledger on disk is the store. */
function composeShipper(
  config: Config,
  outbox: Outbox,
  postgres: PostgresPool,
  logger: Logger,
): UsageShipper {
  return new UsageShipper({
    outbox,
    sink: postgresUsageSink(postgres, config.INSTANCE_ID),
    clock: systemClock,
    lanes: Math.min(SHIPPING_LANES, config.DATABASE_POOL),
    onOutage: ({ kind, unshipped, cause }) =>
      logger.error({ kind, unshipped, cause }, SHIPPING_STOPPED[kind]),
    onRecovered: (event) => logger.info(event, 'usage rows reach Postgres again'),
    onQuarantined: (event) =>
      logger.error(event, 'Postgres refuses usage rows: kept here, tried again each hour'),
  });
}

const SHIPPING_STOPPED = {
  outage: 'usage rows do not reach Postgres: kept here, tried again',
  schema:
    'Postgres has no place for usage rows: run `npm run migrate`, and grant dash_relay_writer to the user',
} as const;

function coreLimits(config: Config) {
  return {
    showCost: config.SHOW_COST,
    heartbeatMs: config.HEARTBEAT_MS,
    resumeWindowMs: config.RESUME_WINDOW_MS,
    abandonAfterMs: config.ABANDON_AFTER_MS,
    limits: {
      streams: config.MAX_STREAMS_PER_CONNECTION,
      frameBytes: config.MAX_FRAME_BYTES,
      framesPerMinute: config.FRAMES_PER_MINUTE,
    },
  };
}

interface Identity {
  readonly authenticator: Authenticator;
  readonly developmentIssuer: DevelopmentIssuer | undefined;
}

async function composeIdentity(config: Config, logger: Logger): Promise<Identity> {
  const common = { clock: systemClock, allowAnonymous: config.ALLOW_ANONYMOUS };
  const { auth } = config;
  if (auth.kind === 'development') {
    const issuer = 'http://localhost/dev';
    const developmentIssuer = await createDevelopmentIssuer({
      dataDir: config.DATA_DIR,
      issuer,
      clock: systemClock,
    });
    const { keySet } = developmentIssuer;
    return { authenticator: createAuthenticator({ ...common, issuer, keySet }), developmentIssuer };
  }
  const authenticator = createAuthenticator({
    ...common,
    ...auth,
    onKeySet: (event) => {
      if (event.kind === 'loaded') logger.info(event, 'key set loaded');
      else logger.warn(event, 'key set not loaded');
    },
  });
  return { authenticator, developmentIssuer: undefined };
}

async function composeUpstream(
  config: Config,
  logger: Logger,
): Promise<{ upstream: AnthropicUpstream; simulator: Simulator | undefined }> {
  const simulator = isSimulated(config) ? await simulate() : undefined;
  if (simulator !== undefined) logger.warn('no ANTHROPIC_API_KEY: answers come from the simulated model');
  const upstream = createAnthropicUpstream({
    apiKey: config.ANTHROPIC_API_KEY ?? 'simulated',
    baseURL: simulator?.url ?? config.ANTHROPIC_BASE_URL,
    timeouts: {
      connectMs: config.UPSTREAM_CONNECT_MS,
      idleMs: config.UPSTREAM_IDLE_MS,
      totalMs: config.UPSTREAM_TOTAL_MS,
    },
    clock: systemClock,
    onAttemptFailed: (event) => logger.warn(event, 'upstream attempt failed'),
    onAccountFailed: (failure) => logger.error(failure, ACCOUNT_FAILS),
    onAccountRecovered: () => logger.info("the account at the model's API works again"),
  });
  return { upstream, simulator };
}

const ACCOUNT_FAILS =
  "the account at the model's API does not work: see to its key, its money, its rights or its models";

/** Loaded only where it answers: 5 MB that a relay of real answers does without. */
async function simulate(): Promise<Simulator> {
  const { startSimulator } = await import('../simulator/simulator.ts');
  return startSimulator();
}

interface HttpInputs extends Identity {
  readonly relay: Relay;
  readonly quota: Quota;
  readonly observer: Observer;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly health: Health;
}

function composeHttp(config: Config, inputs: HttpInputs): HttpServer {
  const { relay, quota, authenticator, developmentIssuer, observer, metrics, logger, health } = inputs;
  const clock = systemClock;
  const { registry } = metrics;
  const ownMetricsPort = config.exposed || config.explicit.has('METRICS_PORT');
  return new HttpServer({
    binding: { host: config.HOST, port: config.PORT },
    metrics: {
      source: registry,
      binding: ownMetricsPort ? { host: config.METRICS_HOST, port: config.METRICS_PORT } : undefined,
      onPublicPort: !config.exposed,
    },
    authenticator,
    connect: relay.connect,
    observer,
    clock,
    health,
    limits: {
      connections: config.MAX_CONNECTIONS,
      connectionsPerUser: config.MAX_CONNECTIONS_PER_USER,
      connectionsPerAddress: config.MAX_CONNECTIONS_PER_IP,
      upgradesPerSecondPerAddress: config.UPGRADES_PER_SECOND_PER_IP,
      requestsPerMinutePerUser: config.FRAMES_PER_MINUTE,
    },
    maxDescriptors: descriptorLimit(),
    streamingEnabled: config.STREAMING_ENABLED,
    allowedOrigins: config.ALLOWED_ORIGINS,
    trustProxy: config.TRUST_PROXY,
    maxFrameBytes: config.MAX_FRAME_BYTES,
    developmentIssuer,
    demoDirectory: developmentIssuer === undefined ? undefined : DEMO_DIRECTORY,
    log: logger,
    doors: [
      (app) => allowOrigins(app, config.ALLOWED_ORIGINS),
      (app) => chatRoutes(app, { relay, clock }),
      (app) => aiGatewayRoute(app, { relay, observer }),
      (app) => usageRoute(app, { usageOf: (principal) => quota.usageOf(principal) }),
      (app) =>
        transportConfigRoute(app, {
          policy: {
            streamingEnabled: config.STREAMING_ENABLED,
            websocketPercent: config.WEBSOCKET_ROLLOUT_PERCENT,
          },
        }),
      (app) => {
        if (!config.exposed && developmentIssuer === undefined) noDemoRoute(app);
      },
    ],
  });
}

interface Watched {
  readonly upstream: AnthropicUpstream;
  readonly logs: MemoryStreamLogs;
  readonly ledger: LocalUsageLedger;
  readonly quota: OpenQuota;
  readonly output: LogOutput;
  readonly http: HttpServer;
}

function watch(metrics: Metrics, { upstream, logs, ledger, quota, output, http }: Watched): void {
  metrics.watch('request_body_bytes', 'Bytes of request bodies on their way', () => http.bodyBytes);
  metrics.watch(
    'http_connections',
    'TCP connections of the public port that are no WebSocket',
    () => http.plainConnections,
  );
  metrics.watch('upstream_requests', 'Upstream requests open', () => upstream.openRequests);
  metrics.watch('upstream_account_fails', "1 while the account at the model's API does not work", () =>
    Number(upstream.account.state === 'fails'),
  );
  metrics.watch('stream_log_bytes', 'Bytes held by all stream logs', () => logs.heldBytes);
  metrics.watch('ledger_degraded', '1 while usage rows cannot be written', () => Number(ledger.degraded));
  metrics.watch('quota_alone', '1 while Postgres cannot be asked for quotas', () => Number(quota.alone));
  metrics.watch('quota_undelivered', 'Settlements Postgres has not heard of', () => quota.undelivered);
  metrics.watch('log_lines_dropped', 'Log lines lost: their reader stalled', () => output.dropped);
}

/** Only with Postgres: without it the ledger is where rows stay, and none of them waits. */
function watchShipping(metrics: Metrics, { outbox }: LocalUsageLedger): void {
  metrics.watch('usage_rows_waiting', 'Usage rows not yet in Postgres', () => outbox.length);
  metrics.watch('usage_rows_quarantined', 'Usage rows that Postgres refuses', () => outbox.refused);
  metrics.watch('usage_oldest_waiting_seconds', 'Age of the oldest usage row not yet in Postgres', () =>
    secondsSince(outbox.oldest()),
  );
}

function watchShared(metrics: Metrics, streams: StoreSharedRuns): void {
  metrics.watch(
    'redis_up',
    '1 while all that machines share works: commands, publishing and the own mailbox',
    () => Number(streams.up),
  );
  metrics.watch('streams_published', 'Streams not wholly with Redis yet', () => streams.counts.published);
  metrics.watch(
    'streams_followed',
    'Streams of other machines that are read here',
    () => streams.counts.followed,
  );
}

function secondsSince(instant: number | null): number {
  return instant === null ? 0 : Math.max(0, (systemClock.now() - instant) / 1000);
}
