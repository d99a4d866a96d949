/**
 * The client: which streams there are and by which door each goes. Subscribes to the platform's signals and holds
 * the connection only while there is something to follow, and a little longer.
 */
import type { StreamRequest } from '../protocol/frames.ts';
import type { AttachOptions, DashStream, StreamOptions, Transport } from './answer.ts';
import { type ClientClock, type ClientTimer, deviceClock } from './clock.ts';
import { failure } from './dash-error.ts';
import { createHttpDoor } from './http-door.ts';
import { createLadder, RUNGS } from './ladder.ts';
import { METRICS_EVENT, type TrackMetrics } from './metrics.ts';
import { createPauses } from './pauses.ts';
import { createRelayHttp, type Fetch } from './relay-http.ts';
import { createRun, type Run, type RunOwner, type RunSource } from './run.ts';
import { browserSignals, type Signal, type SignalSource } from './signals.ts';
import { createSocketDoor, type SocketDoor } from './socket-door.ts';
import { mintStreamId } from './stream-id.ts';
import { createTokens, type TokenGetter } from './tokens.ts';
import { bearerSubprotocol, type WebSocketFactory } from './web-socket.ts';

export interface DashClientOptions {
  /** Of the relay: `https://relay.example.com`. */
  readonly url: string;
  /** A Supabase access token. Asked for each connection and request, and with `refresh` shortly before one expires. */
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

export interface DashClient {
  /** Asks the model. The stream starts at once, by itself. */
  stream(request: StreamRequest, options?: StreamOptions): DashStream;
  /** Takes up a stream at a position, for instance after the page was reloaded. */
  attach(id: string, epoch: string, after: number, options?: AttachOptions): DashStream;
  /** Lets go of all streams (`closed`) and of the connection. The relay goes on with them for a while. */
  close(): void;
}

export function createDashClient(options: DashClientOptions): DashClient {
  const { clock = deviceClock, connectMs = 8000, idleMs = 30_000, platform = 'web' } = options;
  const { transports = RUNGS, webSocket = bearerSubprotocol, signals = browserSignals, onMetrics } = options;
  const fetch: Fetch = options.fetch ?? ((...request) => globalThis.fetch(...request));
  const url = options.url.replace(/\/+$/, '');
  const runs = new Set<Run>();
  let unsubscribe: (() => void) | undefined;
  let idle: ClientTimer | undefined;

  const tokens = createTokens(options.getToken, clock);
  const pauses = createPauses(clock);
  const common = { url, fetch, webSocket, tokens, pauses, clock, connectMs };
  const http = createRelayHttp(common);
  const ladder = createLadder(clock, transports, () => http.read('/v1/config'));
  const requests = createHttpDoor({ ...common, http, ladder });
  /** One is enough, unless a stream has several readers. */
  const sockets: SocketDoor[] = [];
  const socketFor = ({ id }: Run): SocketDoor => {
    let door = sockets.find((each) => !each.follows(id));
    if (!door) {
      door = createSocketDoor({
        ...common,
        http,
        ladder,
        moved: (run, transport) => void go(run, transport),
      });
      sockets.push(door);
    }
    return door;
  };

  const route = async (run: Run): Promise<void> => {
    const leaving = sockets.some((each) => each.leaving());
    const transport = await ladder.choose(leaving ? 'websocket' : undefined);
    if (!run.ended) await go(run, transport);
  };
  const go = async (run: Run, transport: Transport): Promise<void> => {
    if (transport === 'websocket') socketFor(run).follow(run);
    else if (await requests.follow(run, transport)) await route(run);
  };
  const heed = (signal: Signal): void => {
    if (signal === 'offline') {
      for (const each of sockets) each.drop();
      requests.drop();
    } else {
      for (const each of sockets) each.probe();
      requests.drop('json');
      pauses.hurry();
    }
  };
  const rest = (): void => {
    idle?.cancel();
    unsubscribe?.();
    unsubscribe = undefined;
    for (const each of sockets) each.drop();
    requests.rest();
    http.drop();
    pauses.hurry();
  };
  /** Another handle of the same stream goes on reading it. */
  const isShared = (run: Run): boolean => [...runs].some((each) => each !== run && each.id === run.id);
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
    runs.add(run);
    idle?.cancel();
    unsubscribe ??= signals(heed);
    void route(run);
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
    close() {
      for (const run of runs) run.fail(failure('closed'));
      rest();
    },
  };
}

/** What the caller changes afterwards is not what was asked: a stream may be asked for several times. */
function snapshotOf(request: StreamRequest): StreamRequest {
  return JSON.parse(JSON.stringify(request)) as StreamRequest;
}
