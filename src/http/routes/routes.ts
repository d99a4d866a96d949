/** All routes of the public port at a glance: the path, who may ask, what the log calls it, and who answers. */
import type { FastifyInstance, RouteOptions } from 'fastify';
import type { DevelopmentIssuer } from '../../auth/development-issuer.ts';
import type { Principal } from '../../auth/port.ts';
import type { OldActions } from '../../legacy/parameters.ts';
import type { Door, Observer } from '../../observability/port.ts';
import { ANSWER_REPORT_BOUNDS } from '../../protocol/answer-report.ts';
import { RelayError } from '../../protocol/relay-error.ts';
import { REPORT_BOUNDS } from '../../protocol/streaming-metrics.ts';
import type { Relay } from '../../relay/relay.ts';
import type { Clock } from '../../time/clock.ts';
import type { SharedLimits } from '../../workers/port.ts';
import type { Admission } from '../admission/admission.ts';
import { requireLocal } from '../admission/local-request.ts';
import { principalOf } from '../admission/request-guard.ts';
import { runAgentHandler } from '../ag-ui/run-agent.ts';
import { chatHandlers as aiSdkHandlers } from '../ai-sdk/chat-routes.ts';
import type { ChatStreams } from '../ai-sdk/chat-streams.ts';
import { readFiles } from '../create-app.ts';
import { MAX_HEALTH_BYTES, oldFunctionHandlers } from '../legacy/old-functions.ts';
import type { PassOn } from '../legacy/pass-on.ts';
import { WEBSOCKET_PATHS } from '../websocket/upgrade-request.ts';
import { type ChatRelay, chatHandlers } from './chat.ts';
import { clientMetricsHandler } from './client-metrics.ts';
import { contractHandlers } from './contracts.ts';
import { allowOrigins } from './cors.ts';
import { type Demo, demoHandlers, explainNoDemo } from './demo.ts';
import { devTokenHandler, MAX_DEV_TOKEN_BYTES } from './dev-token.ts';
import { type Health, healthHandlers, type MetricsSource, metricsHandler } from './operations.ts';
import { type KeepReport, reportsHandler } from './reports.ts';
import { sessionHandlers } from './session.ts';
import { listHandler } from './stream-list.ts';
import { configHandler, type TransportSwitches } from './transport-config.ts';
import { type UploadRouteParts, uploadHandlers } from './uploads.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Absent: `anyone`. */
    readonly access?: Access;
    /** What the log and the metrics call who came this way, and what was asked. Absent: a `request` at `http`. */
    readonly door?: Door;
    readonly of?: 'start' | 'resume' | 'cancel';
  }
}

/**
 * Who may ask. `token`: users. `reader`: users, whose answer comes as a stream is read; they hold a lease until it is
 * there. `local`: this computer. `health`: balancers, who are never refused for what others at their address do.
 */
export type Access = 'anyone' | 'health' | 'local' | 'token' | 'reader';

export interface RouteParts {
  readonly relay: ChatRelay & Pick<Relay, 'streamsOf'>;
  readonly admission: Admission;
  readonly allowedOrigins: ReadonlySet<string>;
  readonly observer: Observer;
  readonly clock: Clock;
  readonly health: Health;
  /** The caller's own quotas, as an object to be sent as JSON: what is used, reserved, and left. */
  readonly usageOf: (principal: Principal) => Promise<object>;
  /** At this moment. */
  readonly switches: () => TransportSwitches;
  /** What clients may know of the actions: their parameters, as an object to be sent as JSON. */
  readonly listedActions: () => object;
  readonly actions: OldActions;
  /** Streams by the chats of the AI SDK. */
  readonly chats: ChatStreams;
  /** Asks the old functions what is not served here: only where LEGACY_FUNCTIONS_URL names them. */
  readonly passOn?: PassOn | undefined;
  /** Absent: files are not taken. */
  readonly uploads?: Omit<UploadRouteParts, 'clock' | 'isEnabled' | 'isDraining'> | undefined;
  /** Whether apps may tell what they measured of their streams. */
  readonly clientMetrics: boolean;
  /** Resolves when what a person reported of an answer is on disk. */
  readonly keepReport: KeepReport;
  /** Of a process that is one of several: limits hold for all of them together. */
  readonly shared?: SharedLimits | undefined;
  /** Opens /metrics here too: in development only. */
  readonly metrics?: MetricsSource | undefined;
  /** Opens POST /dev/token: only where configuration allowed this issuer. */
  readonly developmentIssuer?: Pick<DevelopmentIssuer, 'mint'> | undefined;
  /** Whether answers come from the simulated model: who takes a token there may spend nothing. */
  readonly simulated: boolean;
  /** Opens `/`: the demo, where the page gets tokens that are taken here, or why there is none. */
  readonly demo?: Demo | 'explained' | undefined;
}

type Route = Pick<RouteOptions, 'handler' | 'errorHandler' | 'bodyLimit' | 'config' | 'preParsing'> & {
  readonly on: string;
};

/** To be called before the guard is attached: what its hooks refuse is for the pages of allowed origins to read. */
export function addRoutes(app: FastifyInstance, parts: RouteParts): void {
  allowOrigins(app, parts.allowedOrigins);
  app.addHook('onClose', async () => parts.passOn?.close());
  if (parts.uploads !== undefined) readFiles(app);
  for (const { on, ...route } of routesOf(parts)) {
    const [method = '', url = ''] = on.split(' ');
    const access = route.config?.access;
    const onRequest = access === 'local' ? [requireLocal] : [];
    // A HEAD is a GET whose answer is thrown away: of a stream it would count as read, and read it to its end for nobody.
    app.route({ ...route, method, url, onRequest, exposeHeadRoute: access !== 'reader' });
  }
}

function routesOf(parts: RouteParts): Route[] {
  const { relay, usageOf, health, clock, switches, listedActions } = parts;
  const chat = chatHandlers(relay, clock);
  const session = sessionHandlers(parts);
  const { live, ready } = healthHandlers(health);
  const { openApi, asyncApi } = contractHandlers();
  const [reader, token] = [{ access: 'reader' }, { access: 'token' }] as const;
  return [
    { on: 'POST /v1/chat', config: { ...reader, door: 'json', of: 'start' }, handler: chat.start },
    { on: 'GET /v1/streams/:id', config: { ...reader, door: 'sse', of: 'resume' }, handler: chat.resume },
    { on: 'DELETE /v1/streams/:id', config: { ...token, door: 'json', of: 'cancel' }, handler: chat.cancel },
    { on: 'DELETE /v1/streams', config: { ...token, door: 'json', of: 'cancel' }, handler: chat.forgetAll },
    { on: 'GET /v1/streams', config: { ...token, door: 'json' }, handler: listHandler(relay) },
    { on: 'GET /v1/streams/:id/state', config: { ...token, door: 'json' }, handler: chat.state },
    {
      on: 'POST /functions/v1/ai-gateway',
      config: { ...reader, heardWithoutToken: MAX_HEALTH_BYTES, door: 'ai_gateway', of: 'start' },
      ...oldFunctionHandlers('ai-gateway', parts),
    },
    {
      on: 'POST /functions/v1/ai-proxy',
      config: { ...reader, heardWithoutToken: MAX_HEALTH_BYTES, door: 'ai_proxy', of: 'start' },
      ...oldFunctionHandlers('ai-proxy', parts),
    },
    ...aiSdkRoutes(parts),
    {
      on: 'POST /v1/ag-ui',
      config: { ...reader, door: 'ag_ui', of: 'start' },
      handler: runAgentHandler(relay, clock),
    },
    {
      on: 'GET /v1/session',
      config: { ...token, door: 'session', beforeToken: session.beforeToken },
      handler: session.handler,
    },
    { on: 'GET /v1/usage', config: { ...token, door: 'usage' }, handler: (ask) => usageOf(principalOf(ask)) },
    { on: 'GET /v1/actions', config: { ...token, door: 'actions' }, handler: listedActions },
    {
      on: 'GET /v1/config',
      config: { ...token, door: 'config' },
      handler: configHandler(switches, parts.uploads !== undefined),
    },
    ...uploadRoutes(parts),
    ...clientMetricsRoutes(parts),
    reportsRoute(parts),
    { on: 'GET /v1/openapi.json', handler: openApi },
    { on: 'GET /v1/asyncapi.json', handler: asyncApi },
    { on: 'GET /healthz', config: { access: 'health' }, handler: live },
    { on: 'GET /readyz', config: { access: 'health' }, handler: ready },
    ...WEBSOCKET_PATHS.map((path) => ({ on: `GET ${path}`, handler: requireUpgrade })),
    ...developmentRoutes(parts),
  ];
}

/** Of the AI SDK's `DefaultChatTransport`, which asks for a chat by its own id. */
function aiSdkRoutes({ relay, chats, clock }: RouteParts): Route[] {
  const { start, resume, cancel } = aiSdkHandlers({ relay, chats, clock });
  const [reader, token] = [{ access: 'reader' }, { access: 'token' }] as const;
  const path = '/v1/ai-sdk/chat';
  return [
    { on: `POST ${path}`, config: { ...reader, door: 'ai_sdk', of: 'start' }, handler: start },
    { on: `GET ${path}/:id/stream`, config: { ...reader, door: 'ai_sdk', of: 'resume' }, handler: resume },
    { on: `DELETE ${path}/:id/stream`, config: { ...token, door: 'ai_sdk', of: 'cancel' }, handler: cancel },
  ];
}

/** Likewise. */
function uploadRoutes({ uploads, switches, health, clock }: RouteParts): Route[] {
  if (uploads === undefined) return [];
  const isEnabled = (): boolean => switches().relayEnabled.value;
  const isDraining = (): boolean => health.state === 'draining';
  const handlers = uploadHandlers({ ...uploads, isEnabled, isDraining, clock });
  const { check, add, remove, removeAll } = handlers;
  const config = { access: 'token', door: 'uploads' } as const;
  const { maxBytes: uploadBytes } = uploads;
  return [
    { on: 'POST /v1/uploads', config: { ...config, uploadBytes }, preParsing: check, handler: add },
    { on: 'DELETE /v1/uploads', config, handler: removeAll },
    { on: 'DELETE /v1/uploads/:id', config, handler: remove },
  ];
}

/** Its absence is a 404, by which clients know that nobody wants to be told. */
function clientMetricsRoutes({ clientMetrics, observer, clock, shared }: RouteParts): Route[] {
  if (!clientMetrics) return [];
  return [
    {
      on: 'POST /v1/client-metrics',
      config: { access: 'token', door: 'client_metrics' },
      bodyLimit: REPORT_BOUNDS.bodyBytes,
      handler: clientMetricsHandler(observer, clock, shared?.taken('reports of user')),
    },
  ];
}

function reportsRoute({ keepReport, observer, clock, shared }: RouteParts): Route {
  return {
    on: 'POST /v1/reports',
    config: { access: 'token', door: 'reports' },
    bodyLimit: ANSWER_REPORT_BOUNDS.bodyBytes,
    handler: reportsHandler(keepReport, observer, clock, shared?.taken('reports of answers of user')),
  };
}

function developmentRoutes({ metrics, developmentIssuer, simulated, demo }: RouteParts): Route[] {
  const routes: Route[] = [];
  const local = { access: 'local' } as const;
  if (metrics !== undefined)
    routes.push({ on: 'GET /metrics', config: local, handler: metricsHandler(metrics) });
  if (developmentIssuer !== undefined)
    routes.push({
      on: 'POST /dev/token',
      config: { ...local, door: 'dev_token' },
      bodyLimit: MAX_DEV_TOKEN_BYTES,
      handler: devTokenHandler(developmentIssuer, simulated),
    });
  if (demo === 'explained') {
    routes.push({ on: 'GET /', config: local, handler: explainNoDemo });
  } else if (demo !== undefined) {
    const { page, file } = demoHandlers(demo);
    routes.push({ on: 'GET /', config: local, handler: page }, { on: 'GET /demo/:file', handler: file });
  }
  return routes;
}

/** What the WebSocket paths say to a request that is no upgrade. */
function requireUpgrade(): never {
  throw new RelayError('upgrade_required', 'connect with a WebSocket');
}
