import type { FastifyInstance, RouteOptions } from 'fastify';
import { onTestFinished } from 'vitest';
import { ChatStreams } from '../../src/http/ai-sdk/chat-streams.ts';
import { HttpServer, type HttpServerParts } from '../../src/http/http-server.ts';
import type { Health } from '../../src/http/routes/operations.ts';
import { addRoutes, type RouteParts } from '../../src/http/routes/routes.ts';
import { FakeAuthenticator, principalOf } from '../support/fake-authenticator.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { FakeCore } from './fake-core.ts';
import { RecordingObserver } from './recording-observer.ts';

export const ALICE = '11111111-1111-4111-8111-111111111111';
export const BOB = '22222222-2222-4222-8222-222222222222';

/** Wide open, so that a test narrows only the limit it is about. */
const LIMITS: HttpServerParts['limits'] = {
  connections: 1000,
  connectionsPerUser: 1000,
  connectionsPerAddress: 1000,
  upgradesPerSecondPerAddress: 1000,
  unprovenPerSecondPerAddress: 1000,
  requestsPerMinutePerUser: 1000,
};

const actions = { has: (name: string) => name === 'chat', parameter: () => undefined };

const ALL_ON = {
  relayEnabled: { value: true, from: 'environment' },
  streamingEnabled: { value: true, from: 'environment' },
  websocketPercent: { value: 100, from: 'environment' },
};

const nobody = (): never => {
  throw new Error('this test has no relay');
};

const chats = new ChatStreams({ newestNamed: nobody, liveNamed: nobody, cancel: nobody }, false);

export interface ServerOverrides extends Partial<Omit<HttpServerParts, 'limits' | 'routes'>> {
  readonly limits?: Partial<HttpServerParts['limits']>;
  /** What its routes are made of, where that is not what is here. */
  readonly routes?: Partial<RouteParts>;
  /** Told of each route as it is added. */
  readonly onRoute?: (route: RouteOptions) => void;
  /** Routes beside its own. */
  readonly added?: (app: FastifyInstance) => void;
}

/** A real server on a free port with a fake core; tokens `alice` and `bob` are good. Closed when the test ends. */
export async function startServer({ limits, routes, onRoute, added, ...overrides }: ServerOverrides = {}) {
  const core = new FakeCore();
  const clock = new ManualClock();
  const observer = new RecordingObserver();
  const authenticator = new FakeAuthenticator({ alice: principalOf(ALICE), bob: principalOf(BOB) });
  const health: { state: Health['state'] } = { state: 'ready' };
  const server = new HttpServer({
    binding: { host: '127.0.0.1', port: 0 },
    authenticator,
    connect: core.connect,
    flushLate: () => {},
    actions,
    chats,
    observer,
    clock,
    health,
    isRevoked: () => false,
    streamingEnabled: () => true,
    allowedOrigins: [],
    trustProxy: 'none',
    maxFrameBytes: 262_144,
    maxUploadBytes: 1_000_000,
    ...overrides,
    limits: { ...LIMITS, ...limits },
    routes(app, shared) {
      if (onRoute !== undefined) app.addHook('onRoute', onRoute);
      addRoutes(app, {
        relay: {
          start: nobody,
          resume: nobody,
          cancel: nobody,
          stateOf: nobody,
          streamsOf: nobody,
          forget: nobody,
        },
        observer,
        clock,
        health: overrides.health ?? health,
        usageOf: nobody,
        switches: () => ALL_ON,
        actions,
        chats,
        clientMetrics: true,
        keepReport: async () => {},
        listedActions: () => ({ actions: {} }),
        simulated: true,
        metrics: { contentType: 'text/plain', metrics: async () => 'dash_up 1\n' },
        ...routes,
        ...shared,
      });
      added?.(app);
    },
  });
  await server.listen();
  onTestFinished(() => server.close());
  const { port } = server.address;
  return { server, core, clock, observer, authenticator, health, port, url: `http://127.0.0.1:${port}` };
}

export type StartedServer = Awaited<ReturnType<typeof startServer>>;
