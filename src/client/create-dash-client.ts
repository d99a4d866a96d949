/**
 * The client: which streams there are and whose each is. Subscribes to the platform's signals and holds connections only
 * while there is something to follow, and a little longer.
 */
import type { HelloFrame, StreamPage, StreamRequest } from '../protocol/frames.ts';
import { METRICS_EVENT } from '../protocol/streaming-metrics.ts';
import { createBackoff } from './backoff.ts';
import {
  type ClientStream,
  createClientStream,
  type StreamOwner,
  type StreamSource,
} from './client-stream.ts';
import { DashError, failure } from './dash-error.ts';
import type { AttachOptions, DashStream, StreamOptions, TrackMetrics, Transport } from './dash-stream.ts';
import {
  afterAwake,
  bearerSubprotocol,
  browserSignals,
  type ClientClock,
  type ClientTimer,
  deviceClock,
  type Fetch,
  mintStreamId,
  type Signal,
  type SignalSource,
  type WebSocketFactory,
} from './platform.ts';
import { createRelayHttp, type Refusal, type RelayHttp, type Reply } from './relay-http.ts';
import { createStreamRouter } from './stream-router.ts';
import { createStreamWatch, type StreamsListener } from './stream-watch.ts';
import {
  createTokenRefresh,
  createTokens,
  subjectOf,
  type Token,
  type TokenGetter,
  type UserId,
} from './tokens.ts';
import { createTransportSelector, TRANSPORTS } from './transport-selector.ts';

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
  /** How long to try to reach the relay with a question, ms. Default 30,000. */
  readonly contactMs?: number | undefined;
  /** How long to try to get a lost stream back, ms of awake time. Default 120,000: the relay holds it no longer, unless answers are kept. */
  readonly reconnectMs?: number | undefined;
  /** How long an answer may take, ms of awake time. Default 660,000. */
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
  /**
   * Asks the model. The stream starts at once, by itself.
   * @example
   * ```ts
   * const stream = client.stream({ action: 'chat', messages: [{ role: 'user', content: 'Why is the sky blue?' }] });
   * for await (const text of stream) show(text);
   * const { usage } = await stream.final;
   * ```
   */
  stream(request: StreamRequest, options?: StreamOptions): DashStream;
  /**
   * Takes up a stream at a position, for instance after the page was reloaded, or hours later where answers are kept. Without
   * an epoch: whatever run has the id, from its beginning.
   * @example
   * ```ts
   * const { id, epoch, after } = stream.position; // kept with the text so far
   * const content = stream.content;
   * if (epoch) client.attach(id, epoch, after, { content, onChunk: show });
   * ```
   */
  attach(id: string, epoch?: string, after?: number, options?: AttachOptions): DashStream;
  /**
   * Has the relay stop a stream and erase it, with its answer, from wherever it is. Resolves once it is gone.
   * @throws DashError where it may still be there
   * @example
   * ```ts
   * await client.forget(stream.id);
   * ```
   */
  forget(id: string): Promise<void>;
  /**
   * The same of all streams of the user.
   * @example
   * ```ts
   * await client.forgetAll();
   * ```
   */
  forgetAll(): Promise<void>;
  /** Whether the relay keeps answers, as the last connection said; undefined before there was one. */
  readonly keepsAnswers: boolean | undefined;
  /**
   * Which streams the user has, newest first and a page at a time: live ones, ended ones for as long as the relay holds or keeps
   * them. Each can be read with `attach(id, epoch, 0)`.
   * @throws DashError as the relay refuses it, or `unreachable`
   * @example
   * ```ts
   * const { streams, next } = await client.streams({ limit: 20 });
   * const older = next ? await client.streams({ limit: 20, before: next }) : undefined;
   * ```
   */
  streams(page?: {
    readonly limit?: number | undefined;
    readonly before?: string | undefined;
  }): Promise<StreamPage>;
  /**
   * Tells which streams the user has, at once and at each start, ending and erasure on any device, until the function it returns is
   * called. It holds a connection, and outlives it: what was missed is told as changes. Without WebSockets it asks each 20 s.
   * @example
   * ```ts
   * const stop = client.watch((streams, changes) => {
   *   show(`${streams.filter(({ state }) => state === 'live').length} live`);
   * });
   * stop();
   * ```
   */
  watch(listener: StreamsListener): () => void;
  /**
   * Who is signed in: at once as far as it is known, as soon as there is a token, and at each change, until the
   * function it returns is called. A change is noticed with the next token, or by `signOut`.
   * @example
   * ```ts
   * const stopListening = client.onUser((userId, signedOut) => {
   *   show(userId ?? (signedOut ? 'signed out' : 'nobody is signed in'));
   * });
   * stopListening();
   * ```
   */
  onUser(listener: UserListener): () => void;
  /**
   * A request to a route of the relay by the user's token, a fresh one where the first is refused: for
   * `@dash-relay/client/upload`, which costs nothing where it is not imported. Rejects where no answer came.
   */
  readonly request: RelayHttp['request'];
  /**
   * Where an app signs its user out: lets go of the user's streams (`detached`), of the connection and the token.
   * @example
   * ```ts
   * client.signOut();
   * await supabase.auth.signOut();
   * ```
   */
  signOut(): void;
  /**
   * Lets go of all streams (`closed`) and of the connection. The relay goes on with them for a while.
   * @example
   * ```ts
   * client.close();
   * const { code } = await stream.final.catch((error) => error); // 'closed'
   * ```
   */
  close(): void;
}

/**
 * One for an app. It connects when there is something to follow, and reconnects, resumes and changes transports by itself.
 * @example
 * ```ts
 * import { createDashClient, supabaseToken } from '@dash-relay/client';
 *
 * const client = createDashClient({ url: 'https://relay.example.com', getToken: supabaseToken(supabase) });
 * ```
 */
export function createDashClient(options: DashClientOptions): DashClient {
  const {
    transports = TRANSPORTS,
    webSocket = bearerSubprotocol,
    signals = browserSignals,
    fetch = (...request) => globalThis.fetch(...request),
    clock = deviceClock,
    platform = 'web',
    contactMs = 30_000,
    reconnectMs = 120_000,
    deadlineMs = 660_000,
    connectMs = 8000,
    idleMs = 30_000,
    onMetrics,
  } = options;
  const url = options.url.replace(/\/+$/, '');
  /** Of whom each stream is; undefined until a token was had that was asked for after it. */
  const streams = new Map<ClientStream, UserId>();
  const listeners = new Set<UserListener>();
  let unsubscribe: (() => void) | undefined;
  let idle: ClientTimer | undefined;
  let keepsAnswers: boolean | undefined;

  const backoff = createBackoff(clock);
  const tell = (signedOut = false): void => {
    for (const listener of listeners) listener(tokens.userId ?? null, signedOut);
  };
  /** Another user: what was under way for the one before goes on without us, and nothing takes over its connection. */
  const tokens = createTokens(options.getToken, clock, backoff, () => {
    router.disconnect();
    watch.reset();
    for (const [stream, userId] of streams) {
      if (userId) stream.detach();
      else if (userId === null) streams.set(stream, tokens.userId);
    }
    tell();
  });
  const onHello = (hello: HelloFrame): void => {
    keepsAnswers = !!hello.keepsAnswers;
  };
  const common = { url, fetch, webSocket, tokens, backoff, clock, connectMs, onHello };
  const http = createRelayHttp(common);
  const selector = createTransportSelector(clock, transports, () => http.read('/v1/config'));
  const router = createStreamRouter({ ...common, http, selector, refresh: createTokenRefresh(clock) });

  const watch = createStreamWatch({ ...router, http, clock, again: router.watch });

  /** Asks for a token until there is one, as long as somebody wants it. */
  const identify = async (isWanted: () => boolean, missed?: () => void): Promise<Token> => {
    for (let count = 0; isWanted(); count++) {
      try {
        return await tokens.get();
      } catch {
        missed?.();
        if (isWanted()) await backoff.wait(count);
      }
    }
    return null;
  };
  const admit = async (stream: ClientStream): Promise<void> => {
    const bind = (userId: UserId): unknown => stream.ended || streams.set(stream, userId);
    /** Where no token can be had at once, it is of whoever was here until then: who comes later did not ask it. */
    const missed = (): unknown => bind(tokens.userId);
    const identified = identify(() => !stream.ended, missed).then((token) => {
      bind(subjectOf(token));
      return token;
    });
    const [token, transport] = await Promise.all([identified, router.choose()]);
    if (stream.ended) return;
    const asker = streams.get(stream);
    if (!token) stream.fail(failure('unauthorized'));
    else if (asker && asker !== tokens.userId)
      stream.detach(); // another user came in the very turn
    else await router.follow(stream, transport);
  };
  const onSignal = (signal: Signal): void => {
    if (signal === 'sleep') backoff.sleep();
    if (signal === 'sleep' || signal === 'offline') {
      router.drop();
    } else {
      router.probe();
      backoff.wake();
      watch.wake();
    }
  };
  const rest = (): void => {
    idle?.cancel();
    unsubscribe?.();
    unsubscribe = undefined;
    router.disconnect();
    http.drop();
    tokens.drop();
    backoff.wake();
  };
  const isIdle = (): boolean => streams.size === 0 && !watch.isOn;
  const restLater = (): void => {
    if (isIdle()) idle = clock.after(idleMs, rest);
  };
  const busy = (): void => {
    idle?.cancel();
    unsubscribe ??= signals(onSignal);
  };
  /** Another handle of the same stream goes on reading it. */
  const isShared = (stream: ClientStream): boolean =>
    [...streams.keys()].some((each) => each !== stream && each.id === stream.id);
  const owner: StreamOwner = {
    clock,
    platform,
    contactMs,
    reconnectMs,
    deadlineMs,
    stopped: router.cancel,
    isShared,
    settled(stream, why) {
      if (!streams.delete(stream)) return;
      router.forget(stream);
      if (stream.phase !== 'detached') onMetrics?.(METRICS_EVENT, stream.metrics(why));
      restLater();
    },
  };
  const begin = (source: StreamSource, more: StreamOptions): DashStream => {
    const stream = createClientStream(source, more, owner);
    if (stream.ended) return stream;
    streams.set(stream, undefined);
    busy();
    void admit(stream);
    return stream;
  };
  /** Asks until it is gone: 204, which nobody on the way says in the relay's place. */
  const erase = async (path: string): Promise<void> => {
    const abort = new AbortController();
    const init = { method: 'DELETE', signal: abort.signal };
    const late = afterAwake(clock, contactMs, () => abort.abort());
    try {
      for (let count = 0; ; count++) {
        const reply: Partial<Reply> = await http.request(path, init).catch(() => ({}));
        if ('response' in reply && reply.response?.status === 204) return;
        const { error } = reply as Refusal;
        if (abort.signal.aborted || error?.retryable === false)
          throw new DashError(error ?? failure('unreachable', true));
        await backoff.wait(count, error?.retryAfterMs);
      }
    } finally {
      late.cancel();
    }
  };
  return {
    stream(request, more = {}) {
      const { id = mintStreamId() } = more;
      try {
        return begin({ id, request: snapshotOf(request), fresh: !more.id }, more);
      } catch (cause) {
        // e.g. a circle in `context`
        const message = `request: ${cause}`;
        const stream = createClientStream({ id }, more, owner);
        stream.fail({ ...failure('bad_request'), message });
        return stream;
      }
    },
    async streams({ limit = 50, before } = {}) {
      const after = before === undefined ? '' : `&before=${encodeURIComponent(before)}`;
      const page = await http.read<StreamPage>(`/v1/streams?limit=${limit}${after}`);
      if (page?.streams) return page as StreamPage;
      throw new DashError(page?.error ?? failure('unreachable', true));
    },
    watch(listener) {
      const each: StreamsListener = (...told) => listener(...told); // the same function may listen twice
      busy();
      watch.add(each);
      return () => {
        watch.delete(each);
        restLater();
      };
    },
    request: http.request,
    attach: (id, epoch, seq = 0, more = {}) => begin({ id, at: { epoch, seq }, held: more.content }, more),
    forget: (id) => erase(`/v1/streams/${id}?forget=true`),
    forgetAll: () => erase('/v1/streams'),
    get keepsAnswers() {
      return keepsAnswers;
    },
    onUser(listener) {
      listeners.add(listener);
      const isWanted = (): boolean => listeners.has(listener) && tokens.userId === undefined;
      if (tokens.userId === undefined) void identify(isWanted);
      else listener(tokens.userId, false);
      return () => listeners.delete(listener);
    },
    signOut() {
      for (const stream of streams.keys()) stream.detach();
      rest();
      tokens.forget();
      tell(true);
    },
    close() {
      for (const stream of streams.keys()) stream.fail(failure('closed'));
      watch.close();
      rest();
    },
  };
}

/** What the caller changes afterwards is not what was asked: a stream may be asked for several times. */
function snapshotOf(request: StreamRequest): StreamRequest {
  return JSON.parse(JSON.stringify(request)) as StreamRequest;
}
