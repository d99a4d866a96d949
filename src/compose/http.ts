/** The ports: the WebSocket endpoint and the routes in front of the core, and /metrics. */
import { fileURLToPath } from 'node:url';
import type { Config } from '../config/environment.ts';
import { HttpServer } from '../http/http-server.ts';
import { PassOn } from '../http/legacy/pass-on.ts';
import type { Health } from '../http/routes/operations.ts';
import { addRoutes, type RouteParts } from '../http/routes/routes.ts';
import { descriptorLimit } from '../observability/resources.ts';
import { systemClock } from '../time/clock.ts';
import type { Accounts } from './accounts.ts';
import { listedActions, oldActions } from './actions.ts';
import type { Core } from './core.ts';
import type { Telemetry } from './metrics.ts';
import type { Settings } from './settings.ts';

const DEMO_DIRECTORY = fileURLToPath(new URL('../../dist/demo/', import.meta.url));

export function composeHttp(
  config: Config,
  settings: Settings,
  { relay, switches }: Core,
  { authenticator, developmentIssuer, quota }: Accounts,
  { logger, metrics, observer }: Telemetry,
  health: Health,
): HttpServer {
  const { registry: source } = metrics;
  const { LEGACY_FUNCTIONS_URL: oldFunctions } = config;
  const routes: Omit<RouteParts, 'admission' | 'allowedOrigins'> = {
    relay,
    observer,
    clock: systemClock,
    health,
    usageOf: (principal) => quota.usageOf(principal),
    switches: () => switches.now,
    actions: oldActions(() => settings.now.actions),
    listedActions: settings.derived(({ actions }) => listedActions(actions)),
    passOn:
      oldFunctions === undefined
        ? undefined
        : new PassOn({ url: oldFunctions, clock: systemClock, observer }),
    clientMetrics: config.CLIENT_METRICS,
    metrics: config.exposed ? undefined : source,
    developmentIssuer,
    simulated: config.ANTHROPIC_API_KEY === undefined,
    demo: demoOf(config, developmentIssuer !== undefined),
  };
  return new HttpServer({
    binding: { host: config.HOST, port: config.PORT },
    sharesPorts: config.SHARE_PORT,
    metrics: config.ownMetricsPort
      ? { source, binding: { host: config.METRICS_HOST, port: config.METRICS_PORT } }
      : undefined,
    authenticator,
    connect: relay.connect,
    actions: routes.actions,
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
    maxDescriptors: descriptorLimit(),
    streamingEnabled: () => switches.now.streamingEnabled.value,
    allowedOrigins: config.ALLOWED_ORIGINS,
    trustProxy: config.TRUST_PROXY,
    maxFrameBytes: config.MAX_FRAME_BYTES,
    log: logger,
    routes: (app, shared) => addRoutes(app, { ...routes, ...shared }),
  });
}

/** The page makes its own tokens; without an issuer of its own, a developer is told why there is none. */
function demoOf({ exposed }: Config, hasIssuer: boolean): RouteParts['demo'] {
  if (hasIssuer) return { directory: DEMO_DIRECTORY };
  return exposed ? undefined : 'explained';
}
