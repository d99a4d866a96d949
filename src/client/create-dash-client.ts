/**
 * The client: which streams there are and by which door each goes. Subscribes to the platform's signals and holds
 * the connection only while there is something to follow, and a little longer.
 */
import type { StreamRequest } from '../protocol/frames.ts';
import type { AttachOptions, DashStream, StreamOptions, Transport } from './answer.ts';
import { type ClientClock, type ClientTimer, deviceClock } from './clock.ts';
import { failure } from './dash-error.ts';
import { createHttpTransport } from './http-transport.ts';
import { METRICS_EVENT, type TrackMetrics } from './metrics.ts';
import { createPauses } from './pauses.ts';
import { createRelayHttp, type Fetch } from './relay-http.ts';
import { createRenewals } from './renewals.ts';
import { createRun, type Run, type RunOwner, type RunSource } from './run.ts';
import { browserSignals, type Signal, type SignalSource } from './signals.ts';
import { createSocketTransport, type SocketTransport } from './socket-transport.ts';
import { mintStreamId } from './stream-id.ts';
import { createTokens, subjectOf, type Token, type TokenGetter, type UserId } from './tokens.ts';
import { createTransportSelector, TRANSPORTS } from './transport-selector.ts';
import { bearerSubprotocol, type WebSocketFactory } from './web-socket.ts';

export interface DashClientOptions {
  /** Of the relay: `https://relay.example.com`. */
  readonly url: string;
  /**
   * Whose questions these are: asked for each stream, connection and request, and with `refresh` shortly before a token
   * expires. `supabaseToken(supabase)` is one. Null: nobody is signed in. What it throws means "not now".
   */
  readonly getToken: TokenGetter;
  /** What it may use, of what works. Default: all that the platform has. */
  readonly transports?: readonly Transport[] | undefined;
  /** For the metrics: `web`, `ios`, `android`. */
  readonly platform?: string | undefined;
  /** Called once per stream, when it ends. */
  readonly onMetrics?: TrackMetrics | undefined;
  /** How long to wait for a connection, ms. Default 8,000. */
  readonly connectMs?: number | undefined;
  /** How long to try to get a lost stream back, ms. Default 120,000: the relay keeps it no longer. */
  readonly reconnectMs?: number | undefined;
  /** How long an answer may take, ms. Default 660,000. */
  readonly deadlineMs?: number | undefined;
  /** After how long without a stream the connection is closed, ms. Default 30,000. */
  readonly idleMs?: number | undefined;
  readonly webSocket?: WebSocketFactory | undefined;
  readonly fetch?: Fetch | undefined;
  readonly signals?: SignalSource | undefined;
  readonly clock?: ClientClock | undefined;
}

/** `userId`: the `sub` of the token; null where nobody is signed in. `signedOut`: `signOut` was called. */
export type UserListener = (userId: string | null, signedOut: boolean) => void;

export interface DashClient {
  /** Asks the model. The stream starts at once, by itself. */
  stream(request: StreamRequest, options?: StreamOptions): DashStream;
  /** Takes up a stream at a position, for instance after the page was reloaded. */
  attach(id: string, epoch: string, after: number, options?: AttachOptions): DashStream;
  /**
   * Who is signed in: at once as far as it is known, as soon as there is a token, and at each change, until the
   * function it returns is called. A change is noticed with the next token, or by `signOut`.
   */
  onUser(listener: UserListener): () => void;
  /** Where an app signs its user out: lets go of the user's streams (`detached`), of the connection and the token. */
  signOut(): void;
  /** Lets go of all streams (`closed`) and of the connection. The relay goes on with them for a while. */
  close(): void;
}

export function createDashClient(options: DashClientOptions): DashClient {
  const { clock = deviceClock, connectMs = 8000, idleMs = 30_000, platform = 'web' } = options;
  const {
    transports = TRANSPORTS,
    webSocket = bearerSubprotocol,
    signals = browserSignals,
    onMetrics,
  } = options;
  const fetch: Fetch = options.fetch ?? ((...request) => globalThis.fetch(...request));
  const url = options.url.replace(/\/+$/, '');
  /** Of whom each stream is; undefined until a token was had that was asked for behind it. */
  const runs = new Map<Run, UserId>();
  const listeners = new Set<UserListener>();
  let unsubscribe: (() => void) | undefined;
  let idle: ClientTimer | undefined;

  const pauses = createPauses(clock);
  const tell = (signedOut = false): void => {
    for (const listener of listeners) listener(tokens.userId ?? null, signedOut);
  };
  /** What was under way for somebody goes on without us, and nobody else's question takes its connection. */
  const tokens = createTokens(options.getToken, clock, pauses, () => {
    hangUp();
    for (const [run, userId] of runs) {
      if (userId) run.detach();
      else if (userId === null) runs.set(run, tokens.userId);
    }
    tell();
  });
  const renewals = createRenewals(clock);
  const common = { url, fetch, webSocket, tokens, renewals, pauses, clock, connectMs };
  const http = createRelayHttp(common);
  const ladder = createTransportSelector(clock, transports, () => http.read('/v1/config'));
  const requests = createHttpTransport({ ...common, http, ladder });
  /** One is enough, unless a stream has several readers. */
  const sockets: SocketTransport[] = [];
  const socketFor = ({ id }: Run): SocketTransport => {
    let door = sockets.find((each) => !each.follows(id));
    if (!door) {
      door = createSocketTransport({
        ...common,
        http,
        ladder,
        moved: (run, transport) => void go(run, transport),
      });
      sockets.push(door);
    }
    return door;
  };

  const hangUp = (): void => {
    for (const each of sockets) each.drop();
    requests.rest();
  };

  /** Asks for a token until there is one, as long as somebody wants it. */
  const identify = async (isWanted: () => boolean, missed?: () => void): Promise<Token> => {
    for (let count = 0; isWanted(); count++) {
      try {
        return await tokens.get();
      } catch {
        missed?.();
        if (isWanted()) await pauses.backOff(count);
      }
    }
    return null;
  };
  const choose = (): Promise<Transport> =>
    ladder.choose(sockets.some((each) => each.leaving()) ? 'websocket' : undefined);
  const route = async (run: Run): Promise<void> => {
    const transport = await choose();
    if (!run.ended) await go(run, transport);
  };
  const admit = async (run: Run): Promise<void> => {
    const bind = (userId: UserId): unknown => run.ended || runs.set(run, userId);
    /** Where no token can be had at once, it is of whoever was here until then: who comes later did not ask it. */
    const missed = (): unknown => bind(tokens.userId);
    const identified = identify(() => !run.ended, missed).then((token) => {
      bind(subjectOf(token));
      return token;
    });
    const [token, transport] = await Promise.all([identified, choose()]);
    if (run.ended) return;
    const asker = runs.get(run);
    if (!token) run.fail(failure('unauthorized'));
    else if (asker && asker !== tokens.userId)
      run.detach(); // another user came in the very turn
    else await go(run, transport);
  };
  const go = async (run: Run, transport: Transport): Promise<void> => {
    if (transport === 'websocket') socketFor(run).follow(run);
    else if (await requests.follow(run, transport)) await route(run);
  };
  const heed = (signal: Signal): void => {
    if (signal === 'offline' || signal === 'sleep') {
      if (signal === 'sleep') pauses.sleep();
      for (const each of sockets) each.drop();
      requests.drop();
    } else {
      for (const each of sockets) each.probe();
      requests.drop('json');
      pauses.wake();
    }
  };
  const rest = (): void => {
    idle?.cancel();
    unsubscribe?.();
    unsubscribe = undefined;
    hangUp();
    http.drop();
    tokens.drop();
    pauses.wake();
  };
  /** Another handle of the same stream goes on reading it. */
  const isShared = (run: Run): boolean => [...runs.keys()].some((each) => each !== run && each.id === run.id);
  const owner: RunOwner = {
    clock,
    platform,
    reconnectMs: options.reconnectMs ?? 120_000,
    deadlineMs: options.deadlineMs ?? 660_000,
    stopped(run) {
      if (sockets.some((each) => each.cancel(run))) return;
      for (const each of sockets) each.forget(run);
      void requests.cancel(run);
    },
    doubted: requests.doubt,
    isShared,
    settled(run) {
      if (!runs.delete(run)) return;
      for (const each of sockets) each.forget(run);
      requests.forget(run);
      if (run.phase !== 'detached') onMetrics?.(METRICS_EVENT, run.metrics());
      if (runs.size === 0) idle = clock.after(idleMs, rest);
    },
  };
  const begin = (source: RunSource, more: StreamOptions): DashStream => {
    const run = createRun(source, more, owner);
    if (run.ended) return run;
    runs.set(run, undefined);
    idle?.cancel();
    unsubscribe ??= signals(heed);
    void admit(run);
    return run;
  };
  return {
    stream(request, more = {}) {
      const id = mintStreamId();
      try {
        return begin({ id, request: snapshotOf(request) }, more);
      } catch (cause) {
        // e.g. a circle in `context`
        const message = `the request cannot be written as JSON: ${cause instanceof Error ? cause.message : cause}`;
        const run = createRun({ id }, more, owner);
        run.fail({ ...failure('bad_request'), message });
        return run;
      }
    },
    attach: (id, epoch, seq, more = {}) => begin({ id, at: { epoch, seq }, held: more.content }, more),
    onUser(listener) {
      listeners.add(listener);
      const isWanted = (): boolean => listeners.has(listener) && tokens.userId === undefined;
      if (tokens.userId === undefined) void identify(isWanted);
      else listener(tokens.userId, false);
      return () => listeners.delete(listener);
    },
    signOut() {
      for (const run of runs.keys()) run.detach();
      rest();
      tokens.forget();
      tell(true);
    },
    close() {
      for (const run of runs.keys()) run.fail(failure('closed'));
      rest();
    },
  };
}

/** What the caller changes afterwards is not what was asked: a stream may be asked for several times. */
function snapshotOf(request: StreamRequest): StreamRequest {
  return JSON.parse(JSON.stringify(request)) as StreamRequest;
}
