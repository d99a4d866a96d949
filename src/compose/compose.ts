/**
 * The composition root: builds every part from the configuration, starts them, and closes them in order. With the other
 * files of this folder it is the only place that knows them all; what a part does is decided in its own folder. What a
 * configuration does without (Redis, Postgres, the simulator) is not loaded: each is 3 to 10 MB (decision 0014).
 */
import { readFileSync } from 'node:fs';
import type { DevelopmentIssuer } from '../auth/development-issuer.ts';
import { disclosedSettings } from '../config/disclosure.ts';
import type { Config } from '../config/environment.ts';
import type { ConfigFiles } from '../config/files.ts';
import { listenFailure } from '../config/listen-failure.ts';
import type { Switches } from '../config/switches.ts';
import type { HttpServer } from '../http/http-server.ts';
import { healthOf } from '../http/routes/operations.ts';
import { configOf } from '../http/routes/transport-config.ts';
import { watchEventLoop } from '../observability/event-loop-lag.ts';
import { type LogOutput, openLogOutput } from '../observability/log-output.ts';
import { memoryLimit } from '../observability/memory-limit.ts';
import { newsOfPressure, watchMemory } from '../observability/memory-pressure.ts';
import { snapshotOf } from '../observability/metric-snapshot.ts';
import type { Relay } from '../relay/relay.ts';
import type { Simulator } from '../simulator/simulator.ts';
import { systemClock, type Timer } from '../time/clock.ts';
import type { ParentLink } from '../workers/parent-link.ts';
import { type Accounts, composeAccounts, isPostgresUp } from './accounts.ts';
import { begunMetrics } from './begun-metrics.ts';
import { type Core, composeCore } from './core.ts';
import { composeHttp, signInOf } from './http.ts';
import { identityFailure } from './identity.ts';
import { composeTelemetry, type Telemetry, watchParts } from './metrics.ts';
import { Settings } from './settings.ts';
import { composeTraces, type Traces } from './traces.ts';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};
/** What the last log lines may take to leave at the end, ms. */
const LOG_FLUSH_MS = 2000;
/** What the last spans may take to leave at the end, ms: the collector may be away. */
const SPANS_FLUSH_MS = 2000;

const WITHOUT_USER_ID_KEY =
  "USER_ID_KEY is not set: who has a list of user ids can tell whose the model API's `metadata.user_id` is";

export interface RelayService {
  /** Loads keys and listens. */
  start(): Promise<void>;
  /** Where it listens, once it does. */
  readonly url: string;
  /** The same, as numbers; `metricsPort` is undefined where /metrics has no port of its own. */
  readonly ports: { readonly port: number; readonly metricsPort: number | undefined };
  /** What it is called by those that share streams with it; undefined without REDIS_URL. */
  readonly machine: string | undefined;
  /** Mints tokens; only in development without keys. */
  readonly developmentIssuer: DevelopmentIssuer | undefined;
  /** Whether answers come from the simulated model, for nothing. */
  readonly simulated: boolean;
  /** Whether users of the Supabase project sign in on its demo page. */
  readonly hasSignIn: boolean;
  /** Lets streams end, as PROTOCOL.md says of going away. A second call stops waiting. */
  drain(signal: string): Promise<void>;
  /** Closes every part, last the ledger. Idempotent. */
  close(): Promise<void>;
  /** To debug lines in the log, and back to LOG_LEVEL. */
  toggleDebug(): void;
  /** Reads the files of settings and switches again: at once, and what is invalid changes nothing. */
  reload(): void;
  /** Logs what ended the process. */
  crashed(cause: unknown): void;
}

export interface ComposeOptions {
  readonly output?: LogOutput;
  /** The simulated model that answers, its owner's to close. Without, one is started where there is no ANTHROPIC_API_KEY. */
  readonly simulator?: Simulator | undefined;
  /** Of a process that is one of several, which counts and answers for all of them together. */
  readonly parent?: ParentLink | undefined;
}

/**
 * Builds the relay.
 * @throws ConfigError naming what of the configuration cannot be used; Error with a sentence for the operator where
 *   something else stands in the way
 */
export async function composeRelay(
  config: Config,
  { output = openLogOutput(), simulator: given, parent }: ComposeOptions = {},
): Promise<RelayService> {
  const { LOG_LEVEL: level, INSTANCE_ID: instanceId, worker } = config;
  const telemetry = composeTelemetry({ level, version, instanceId, worker: worker?.number, output });
  const { logger, observer } = telemetry;
  logger.info(configurationOf(config, given !== undefined), 'configuration');
  if (config.production && config.USER_ID_KEY === undefined) logger.warn(WITHOUT_USER_ID_KEY);
  const settings = new Settings(config, telemetry);
  const beginMetrics = (files: ConfigFiles): void => telemetry.metrics.begin(begunMetrics(config, files));
  beginMetrics(settings.now);
  settings.onChange(beginMetrics);
  const own = given === undefined ? await startSimulatorWithoutKey(config, settings, telemetry) : undefined;
  const simulator = given ?? own;
  const traces = await composeTraces(config, version, simulator?.url, telemetry);
  const accounts = await composeAccounts(config, settings, simulator !== undefined, telemetry, parent);
  const core = await composeCore(
    config,
    settings,
    accounts,
    { version, simulator, tracer: traces.tracer },
    telemetry,
  );
  const health = healthOfParts(core, accounts, simulator, parent);
  const http = composeHttp(config, settings, core, accounts, telemetry, { health, parent });
  parent?.serves({
    snapshot: () => snapshotOf(telemetry.metrics.registry),
    state: () => health.state,
    onEnded: (machine) => core.shared?.ended(machine),
  });
  const { relay } = core;
  const limitBytes = memoryLimit(config.MEMORY_LIMIT_BYTES);
  watchParts(telemetry, { ...core, ...accounts, http, memoryLimit: limitBytes });
  showSwitches(core.switches.now, telemetry);
  core.switches.onChange((now) => {
    showSwitches(now, telemetry);
    void relay.tellConfig((userId) => configOf(userId, now));
  });
  core.watchedRevocations.onChange(() => {
    void endRevoked(relay, http, telemetry);
    telemetry.metrics.revoked.inc({ what: 'upload' }, core.uploads?.endRevoked() ?? 0);
  });
  const overload = watchOverload(config, limitBytes, core, telemetry);
  const parts = { accounts, core, http, overload, own, telemetry, traces };
  let closing: Promise<void> | undefined;
  return {
    developmentIssuer: accounts.developmentIssuer,
    simulated: simulator !== undefined,
    hasSignIn: signInOf(config) !== undefined,
    get url() {
      const { address, family, port } = http.address;
      return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
    },
    get ports() {
      return { port: http.address.port, metricsPort: http.metricsAddress?.port };
    },
    machine: core.shared?.machine,
    start: () => start(parts, config, simulator !== undefined),
    async drain(signal) {
      logger.info({ signal, liveStreams: relay.registry.live }, 'draining');
      if (config.SHARE_PORT) http.leavePorts();
      await relay.drain(config.DRAIN_MS);
    },
    close: () => (closing ??= close(parts)),
    reload() {
      settings.reload();
      core.switches.readFile();
      core.watchedRevocations.readFile();
    },
    toggleDebug: telemetry.toggleDebug,
    crashed: (cause) => observer.failed({ what: 'process', cause }),
  };
}

function showSwitches(
  { relayEnabled, streamingEnabled, websocketPercent }: Switches,
  { metrics }: Telemetry,
): void {
  metrics.switches.set({ name: 'relay' }, Number(relayEnabled.value));
  metrics.switches.set({ name: 'streaming' }, Number(streamingEnabled.value));
  metrics.switches.set({ name: 'websocket_percent' }, websocketPercent.value);
}

/** What goes on by tokens that do not hold any more. */
async function endRevoked(relay: Relay, http: HttpServer, { logger, metrics }: Telemetry): Promise<void> {
  const ending = relay.endRevoked(); // streams first: each ends for that reason, and not for its lost reader
  const requests = http.endRevoked();
  const { streams, connections } = await ending;
  metrics.revoked.inc({ what: 'stream' }, streams);
  metrics.revoked.inc({ what: 'connection' }, connections);
  metrics.revoked.inc({ what: 'request' }, requests);
  if (streams + connections + requests > 0)
    logger.warn({ streams, connections, requests }, 'tokens were revoked: what went on by them is ended');
}

/** What holds, for whoever reads the log. @param simulated where a simulated model was handed in */
function configurationOf(config: Config, simulated: boolean) {
  const { exposed, auth } = config;
  return {
    node: process.version,
    mode: config.production ? 'production' : 'development',
    exposed,
    tokensOf: auth.kind === 'supabase' ? 'supabase' : 'this relay',
    simulated: simulated || config.ANTHROPIC_API_KEY === undefined,
    settings: disclosedSettings(config),
  };
}

interface Parts {
  readonly accounts: Accounts;
  readonly core: Core;
  readonly http: HttpServer;
  readonly overload: readonly Timer[];
  readonly own: Simulator | undefined;
  readonly telemetry: Telemetry;
  readonly traces: Traces;
}

async function start(
  { accounts, core, http, telemetry }: Parts,
  config: Config,
  simulated: boolean,
): Promise<void> {
  const { authenticator, quota, ledger, orphans } = accounts;
  const account = simulated ? undefined : core.upstream.checkAccount();
  if (!simulated) core.models.start(); // nothing waits for it
  const identity = authenticator.start().catch((cause: unknown) => {
    throw identityFailure(cause);
  });
  const placed = [core.switches.start(), core.watchedRevocations.start()];
  await Promise.all([identity, quota.start(), core.shared?.beat(), ...placed, account]);
  await http.listen().catch((cause: unknown) => {
    throw listenFailure(cause, config);
  });
  orphans.start();
  telemetry.logger.info({ ...http.address, simulated, interrupted: ledger.interrupted }, 'listening');
}

async function close({ accounts, core, http, overload, own, telemetry, traces }: Parts): Promise<void> {
  await http.close();
  for (const timer of overload) timer.cancel();
  await core.shared?.close(); // the endings of the drain are with the other machines
  core.switches.close();
  core.watchedRevocations.close();
  core.relay.close();
  core.models.close();
  await core.uploads?.close();
  await core.upstream.close();
  await own?.close();
  await accounts.close();
  await traces.close(SPANS_FLUSH_MS);
  telemetry.sampled.close();
  telemetry.logger.info('stopped');
  await telemetry.output.close(LOG_FLUSH_MS);
}

/** Loaded only where it answers: 5 MB that a relay of real answers does without. */
async function startSimulatorWithoutKey(
  { ANTHROPIC_API_KEY: key }: Config,
  { now: { models: modelTable } }: Settings,
  { logger }: Telemetry,
): Promise<Simulator | undefined> {
  if (key !== undefined) return undefined;
  logger.warn('no ANTHROPIC_API_KEY: answers come from the simulated model');
  const { startSimulator } = await import('../simulator/simulator.ts');
  return startSimulator({ modelTable });
}

function healthOfParts(
  { relay, switches, upstream, models, shared }: Core,
  accounts: Accounts,
  simulator: Simulator | undefined,
  parent: ParentLink | undefined,
) {
  const { authenticator, lookup } = accounts;
  const { account } = upstream;
  return healthOf({
    relay,
    authenticator,
    account,
    dependencies: () => ({
      postgres: isPostgresUp(accounts),
      identity: lookup?.up,
      redis: shared?.up,
      account: simulator === undefined ? account.state !== 'fails' : undefined,
    }),
    models: () => models.findings,
    switches: () => switches.now,
    workers: parent && (() => parent.states()),
  });
}

/** @param limitBytes of the machine: each of its processes may have the same share */
function watchOverload(
  { worker, MAX_EVENT_LOOP_LAG_MS: mostMs }: Config,
  limitBytes: number,
  { relay }: Core,
  { logger }: Telemetry,
): readonly Timer[] {
  const isNews = newsOfPressure();
  const memory = watchMemory(systemClock, limitBytes / (worker?.count ?? 1), (pressure) => {
    if (isNews(pressure)) logger.warn({ pressure }, 'memory pressure changed');
    relay.applyMemoryPressure(pressure);
  });
  const eventLoop = watchEventLoop(systemClock, mostMs || Number.POSITIVE_INFINITY, (overloaded, lagMs) => {
    logger.warn({ overloaded, lagMs }, 'event loop overload changed');
    relay.applyEventLoopLag(overloaded);
  });
  return [memory, eventLoop];
}
