/**
 * The public port, and the port of /metrics: builds their apps, listens, closes.
 * Not owned here: draining (the core's) and what the routes serve.
 */
import { once } from 'node:events';
import type { Server } from 'node:http';
import { type AddressInfo, createServer, type ListenOptions } from 'node:net';
import type { FastifyInstance } from 'fastify';
import type { Authenticator, Principal } from '../auth/port.ts';
import type { Connect } from '../connection/port.ts';
import type { OldActions } from '../legacy/parameters.ts';
import type { Observer } from '../observability/port.ts';
import type { Clock } from '../time/clock.ts';
import { Admission, type AdmissionParts } from './admission/admission.ts';
import {
  type ClientAddress,
  clientAddressBy,
  peerAddressBy,
  type TrustProxy,
} from './admission/client-address.ts';
import { Connections } from './admission/connections.ts';
import { spareDescriptors } from './admission/descriptors.ts';
import { RequestGuard } from './admission/request-guard.ts';
import type { ChatStreams } from './ai-sdk/chat-streams.ts';
import { type AccessLog, createApp, SERVER_LIMITS, type ServerLimits } from './create-app.ts';
import { observeUnread } from './error-routes.ts';
import { type MetricsSource, metricsHandler } from './routes/operations.ts';
import { WebSocketEndpoint } from './websocket/upgrade.ts';
import { isHandshake } from './websocket/upgrade-request.ts';

export interface Binding {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
}

export interface HttpServerParts {
  readonly binding: Binding;
  /**
   * `shared`: another process may listen on them. `shared by workers`: others will, and this is the first of them: nobody
   * does yet. Default: `own`.
   */
  readonly ports?: 'own' | 'shared' | 'shared by workers' | undefined;
  /** A port of its own for /metrics. */
  readonly metrics?: { readonly source: MetricsSource; readonly binding: Binding } | undefined;
  readonly authenticator: Authenticator;
  readonly connect: Connect;
  /** Called for each of the events that come by the thousand: what streams have to write does not wait for all of them. */
  readonly flushLate: () => void;
  readonly actions: OldActions;
  /** Streams by the chats of the AI SDK. */
  readonly chats: ChatStreams;
  readonly observer: Observer;
  readonly clock: Clock;
  readonly health: AdmissionParts['health'];
  readonly limits: AdmissionParts['limits'];
  /** Of a process that is one of several: what it counts together with them, and how many they are. */
  readonly shared?: AdmissionParts['shared'];
  readonly sharers?: number | undefined;
  /** Files and sockets this process may have open; absent where nobody limits them. */
  readonly maxDescriptors?: number | undefined;
  /** Whether the token of a principal is revoked, at this moment. */
  readonly isRevoked: (principal: Principal) => boolean;
  /** At this moment. */
  readonly streamingEnabled: () => boolean;
  readonly allowedOrigins: readonly string[];
  readonly trustProxy: TrustProxy;
  /** Largest client frame, and largest request body. */
  readonly maxFrameBytes: number;
  /** Largest upload. */
  readonly maxUploadBytes: number;
  readonly log?: AccessLog | undefined;
  readonly serverLimits?: ServerLimits | undefined;
  /** Adds the routes of the public port, and the hooks that go before its guard. */
  readonly routes: (app: FastifyInstance, shared: SharedParts) => void;
}

/** What the routes share with the WebSocket endpoint. */
export interface SharedParts {
  readonly admission: Admission;
  readonly clientAddress: ClientAddress;
  readonly allowedOrigins: ReadonlySet<string>;
}

/** Handshakes that may wait for `accept` while the event loop is busy: thousands of clients reconnect at once. */
const BACKLOG = 4096;

export class HttpServer {
  readonly #parts: HttpServerParts;
  readonly #websockets: WebSocketEndpoint;
  readonly #guard: RequestGuard;
  readonly #connections: Connections;
  readonly #public: FastifyInstance;
  readonly #metrics: FastifyInstance | undefined;
  #hasLeft = false;

  constructor(parts: HttpServerParts) {
    const { observer, maxFrameBytes, log, serverLimits = SERVER_LIMITS, metrics, routes } = parts;
    const app = { observer, maxBodyBytes: maxFrameBytes, log, serverLimits };
    const shared = {
      admission: new Admission(parts),
      clientAddress: clientAddressBy(parts.trustProxy),
      allowedOrigins: new Set(parts.allowedOrigins),
    };
    const connections = connectionsOf(parts, () => this.#websockets.connections);
    this.#parts = parts;
    this.#connections = connections;
    this.#websockets = new WebSocketEndpoint({ ...parts, ...shared, connections });
    this.#public = createApp({ ...app, connections, isUpgrade: isHandshake });
    this.#guard = new RequestGuard({ ...parts, ...shared, connections, maxBodyBytes: maxFrameBytes });
    // A request on a connection that is kept alive would come here again.
    this.#public.addHook('onRequest', async (_request, reply) => {
      if (this.#hasLeft) reply.header('connection', 'close');
    });
    routes(this.#public, shared);
    this.#guard.attach(this.#public);
    this.#websockets.attach(this.#public.server);
    if (metrics !== undefined) {
      this.#metrics = createApp(app);
      this.#metrics.get('/metrics', metricsHandler(metrics.source));
    }
  }

  /** TCP connections that are no WebSocket. */
  get plainConnections(): number {
    return this.#connections.size;
  }

  /** Bytes of request bodies on their way. */
  get bodyBytes(): number {
    return this.#guard.bodyBytes;
  }

  /** Ends the answers of other transports than WebSockets to tokens that are revoked now; how many it were. */
  endRevoked(): number {
    return this.#guard.endRevoked();
  }

  /** WebSockets open at this instant. */
  get connections(): number {
    return this.#websockets.connections;
  }

  /** Rejects if a port is taken; then nothing listens. */
  async listen(): Promise<void> {
    try {
      const { binding, metrics, ports = 'own' } = this.#parts;
      const bindings = [binding, metrics?.binding].filter((each) => each !== undefined);
      // The kernel would let this process listen beside a relay that has nothing to do with it.
      if (ports === 'shared by workers') for (const each of bindings) await requireFree(each);
      const reusePort = ports !== 'own';
      await listen(this.#public, { ...binding, reusePort });
      if (this.#metrics !== undefined) await listen(this.#metrics, { ...metrics?.binding, reusePort });
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** The public port's address. Only while it listens. */
  get address(): AddressInfo {
    return this.#public.server.address() as AddressInfo;
  }

  /** The address of /metrics, if it has a port of its own. Only while it listens. */
  get metricsAddress(): AddressInfo | undefined {
    return this.#metrics?.server.address() as AddressInfo | undefined;
  }

  /** Takes no connection more: they go to the process that shares the ports. What is open is served on. */
  leavePorts(): void {
    this.#hasLeft = true;
    for (const app of [this.#public, this.#metrics]) if (app?.server.listening) app.server.close();
  }

  /** Stops listening and cuts what is still open: the last step, after draining. Idempotent. */
  async close(): Promise<void> {
    this.#websockets.close();
    for (const app of [this.#public, this.#metrics]) {
      if (app === undefined) continue;
      await app.close();
      await closeServer(app.server);
    }
  }
}

/** Of what an address may send without a good token, one connection of it. */
const CONNECTIONS_SHARE = 1 / 5;
const MIN_UNPROVEN = 20;

function connectionsOf(parts: HttpServerParts, websockets: () => number): Connections {
  const {
    clock,
    limits,
    trustProxy,
    observer,
    maxDescriptors = Number.POSITIVE_INFINITY,
    sharers = 1,
  } = parts;
  return new Connections({
    clock,
    // Too many make room for one another: the kernel deals them out evenly enough.
    perAddress: Math.ceil(limits.connectionsPerAddress / sharers),
    unprovenPerSecond: Math.max(
      MIN_UNPROVEN,
      Math.floor(limits.unprovenPerSecondPerAddress * CONNECTIONS_SHARE),
    ),
    maxDescriptors: maxDescriptors - spareDescriptors(maxDescriptors),
    websockets,
    peerOf: peerAddressBy(trustProxy),
    refused: (error) => observeUnread(observer, error),
  });
}

async function listen(app: FastifyInstance, binding: ListenOptions): Promise<void> {
  await app.ready();
  app.server.listen({ ...binding, backlog: BACKLOG });
  await once(app.server, 'listening');
}

/** Rejects where somebody listens there. */
async function requireFree(binding: ListenOptions): Promise<void> {
  const probe = createServer();
  probe.listen(binding);
  await once(probe, 'listening');
  probe.close();
  await once(probe, 'close');
}

async function closeServer(server: Server): Promise<void> {
  if (!server.listening) return server.closeAllConnections();
  server.close();
  server.closeAllConnections();
  await once(server, 'close');
}
