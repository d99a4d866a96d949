/** The ports: the WebSocket endpoint and the routes in front of the core, and /metrics. */
import cluster from 'node:cluster';
import { fileURLToPath } from 'node:url';
import type { Config } from '../config/environment.ts';
import { ChatStreams } from '../http/ai-sdk/chat-streams.ts';
import { HttpServer, type HttpServerParts } from '../http/http-server.ts';
import { PassOn } from '../http/legacy/pass-on.ts';
import type { DemoSettings } from '../http/routes/demo.ts';
import type { Health, MetricsSource } from '../http/routes/operations.ts';
import { addRoutes, type RouteParts } from '../http/routes/routes.ts';
import type { Metrics } from '../observability/metrics.ts';
import { descriptorLimit } from '../observability/resources.ts';
import { RelayError } from '../protocol/relay-error.ts';
import { systemClock } from '../time/clock.ts';
import type { ParentLink } from '../workers/parent-link.ts';
import type { Accounts } from './accounts.ts';
import { listedActions, oldActions } from './actions.ts';
import type { Core } from './core.ts';
import type { Telemetry } from './metrics.ts';
import type { Settings } from './settings.ts';

const DEMO_DIRECTORY = fileURLToPath(new URL('../../dist/demo/', import.meta.url));

export interface HttpOptions {
  readonly health: Health;
  readonly parent: ParentLink | undefined;
}

export function composeHttp(
  config: Config,
  settings: Settings,
  { relay, switches, uploads }: Core,
  { authenticator, developmentIssuer, ledger, quota, revocations }: Accounts,
  { logger, metrics, observer }: Telemetry,
  { health, parent }: HttpOptions,
): HttpServer {
  const source = metricsOf(metrics.registry, parent);
  const { LEGACY_FUNCTIONS_URL: oldFunctions } = config;
  const routes: Omit<RouteParts, 'admission' | 'allowedOrigins'> = {
    relay,
    observer,
    clock: systemClock,
    health,
    usageOf: (principal) => quota.usageOf(principal),
    switches: () => switches.now,
    actions: oldActions(() => settings.now.actions),
    chats: new ChatStreams(relay, config.TRUST_PROXY !== 'none'),
    listedActions: settings.derived(({ actions }) => listedActions(actions)),
    passOn:
      oldFunctions === undefined
        ? undefined
        : new PassOn({ url: oldFunctions, clock: systemClock, observer }),
    uploads: uploads && {
      uploads,
      maxBytes: config.UPLOAD_MAX_BYTES,
      takesDocuments: (principal) =>
        [...settings.now.actionsOf(principal).actions.values()].some(({ documents }) => documents === true),
    },
    clientMetrics: config.CLIENT_METRICS,
    keepReport: (report, holder) => ledger.reports.add(report, holder, systemClock.now()),
    shared: parent?.limits,
    metrics: config.exposed ? undefined : source,
    developmentIssuer,
    simulated: config.ANTHROPIC_API_KEY === undefined,
    demo: demoOf(config, developmentIssuer !== undefined),
  };
  return new HttpServer({
    binding: { host: config.HOST, port: config.PORT },
    ports: portsOf(config),
    metrics: config.ownMetricsPort
      ? { source, binding: { host: config.METRICS_HOST, port: config.METRICS_PORT } }
      : undefined,
    authenticator,
    connect: relay.connect,
    flushLate: () => relay.flushLate(),
    actions: routes.actions,
    chats: routes.chats,
    observer,
    clock: systemClock,
    health,
    limits: {
      connections: config.MAX_CONNECTIONS,
      connectionsPerUser: config.MAX_CONNECTIONS_PER_USER,
      connectionsPerAddress: config.MAX_CONNECTIONS_PER_IP,
      upgradesPerSecondPerAddress: config.UPGRADES_PER_SECOND_PER_IP,
      unprovenPerSecondPerAddress: config.UNPROVEN_PER_SECOND_PER_IP,
      requestsPerMinutePerUser: config.FRAMES_PER_MINUTE,
    },
    shared: parent?.limits,
    sharers: config.worker?.count,
    maxDescriptors: descriptorLimit(),
    isRevoked: (principal) => revocations.has(principal),
    streamingEnabled: () => switches.now.streamingEnabled.value,
    allowedOrigins: config.ALLOWED_ORIGINS,
    trustProxy: config.TRUST_PROXY,
    maxFrameBytes: config.MAX_FRAME_BYTES,
    maxUploadBytes: config.UPLOAD_MAX_BYTES,
    log: logger,
    routes: (app, shared) => addRoutes(app, { ...routes, ...shared }),
  });
}

/**
 * Of all workers, whichever is asked. Where the parent does not answer there are none: those of one process would be read as
 * counters that began anew.
 */
function metricsOf(registry: Metrics['registry'], parent: ParentLink | undefined): MetricsSource {
  if (parent === undefined) return registry;
  return {
    contentType: registry.contentType,
    async metrics() {
      const ofAll = await parent.metrics();
      if (ofAll !== undefined) return ofAll;
      throw new RelayError('unavailable', 'the metrics of all processes cannot be had now; ask again');
    },
  };
}

/** Where the kernel shares no port among processes, the parent of a cluster does: it is listened on as by a single one. */
function portsOf({ SHARE_PORT, worker }: Config): HttpServerParts['ports'] {
  if (SHARE_PORT) return 'shared';
  if (worker === undefined || cluster.isWorker) return 'own';
  return worker.isFirst ? 'shared by workers' : 'shared';
}

/** The page makes its own tokens, or has users sign in; where it can do neither, a developer is told why there is none. */
function demoOf(config: Config, hasIssuer: boolean): RouteParts['demo'] {
  const simulated = config.ANTHROPIC_API_KEY === undefined;
  if (hasIssuer) return { directory: DEMO_DIRECTORY, settings: { simulated } };
  const supabase = signInOf(config);
  if (supabase !== undefined) return { directory: DEMO_DIRECTORY, settings: { simulated, supabase } };
  return config.exposed ? undefined : 'explained';
}

/** Where users sign in on the demo page; undefined where they cannot, and always where others may reach it. */
export function signInOf(config: Config): DemoSettings['supabase'] {
  const { exposed, auth, SUPABASE_URL: url, SUPABASE_PUBLISHABLE_KEY: publishableKey } = config;
  if (exposed || auth.kind !== 'supabase' || url === undefined || publishableKey === undefined)
    return undefined;
  return { url, publishableKey };
}
