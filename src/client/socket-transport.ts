/**
 * Streams over one WebSocket that is opened when there is one to follow and comes back while there is. Owns the
 * connection's life: when it is opened, what its end means, and the relay's `going_away`.
 */
import type { GoingAwayFrame, ServerFrame } from '../protocol/frames.ts';
import { boundedMs } from '../protocol/retry-after.ts';
import type { Transport } from './answer.ts';
import type { ClientClock } from './clock.ts';
import { closeVerdict } from './close-verdict.ts';
import { failure } from './dash-error.ts';
import type { Pauses } from './pauses.ts';
import type { RelayHttp } from './relay-http.ts';
import type { Renewals } from './renewals.ts';
import type { Run } from './run.ts';
import { openSession, type SessionEnd, type SocketSession } from './socket-session.ts';
import { createSocketStreams } from './socket-streams.ts';
import type { StreamFrame } from './stream-state.ts';
import type { Token, Tokens } from './tokens.ts';
import type { TransportSelector } from './transport-selector.ts';
import type { WebSocketFactory } from './web-socket.ts';

const SUBPROTOCOL = 'dash-relay.v1';
/** A connection that lasted this long had a good token, and is no failure that the next one waits longer for, ms. */
const PROVEN_MS = 10_000;
/** Close codes from here on are the relay's alone; lower ones may be of anything on the way. */
const RELAYS_OWN = 4000;
const NOT_OPENED: SessionEnd = { code: 0, answered: false, progressed: false };

export interface SocketTransportParts {
  readonly url: string;
  readonly webSocket: WebSocketFactory;
  readonly ladder: TransportSelector;
  readonly http: RelayHttp;
  readonly tokens: Tokens;
  readonly renewals: Renewals;
  readonly pauses: Pauses;
  readonly clock: ClientClock;
  readonly connectMs: number;
  /** WebSockets are not to be used: this stream goes on by another transport. */
  moved(run: Run, transport: Transport): void;
}

export interface SocketTransport {
  /** The relay is about to go; the socket stays for the streams it has. */
  leaving(): boolean;
  /** A connection has one position in a stream: two readers of one stream need two doors. */
  follows(id: string): boolean;
  follow(run: Run): void;
  /** Tells the relay. False where this door cannot now. */
  cancel(run: Run): boolean;
  /**
   * The run has ended for its caller. Where the relay goes on sending (`detach`), its frames are still acknowledged:
   * a reader that takes nothing would stall the whole connection.
   */
  forget(run: Run): void;
  /** The network is gone, or nothing is left to do. */
  drop(): void;
  probe(): void;
}

export function createSocketTransport(parts: SocketTransportParts): SocketTransport {
  const { url, webSocket, ladder, http, tokens, pauses, clock, moved } = parts;
  const greeted = (): SocketSession | undefined => (session?.hello ? session : undefined);
  const streams = createSocketStreams(clock, greeted);
  let session: SocketSession | undefined;
  let connecting = false;
  let goingAway: GoingAwayFrame | undefined;

  /** While the relay is about to go: leaves as soon as nothing is followed any more. */
  const leaveIfDone = (): void => {
    if (goingAway && !streams.following) session?.drop();
  };

  const received = (frame: ServerFrame): void => {
    if (frame.type === 'hello') {
      streams.askAll();
    } else if (frame.type === 'going_away') {
      goingAway = frame;
      ladder.recheck();
      if (frame.resume === 'elsewhere') session?.drop(boundedMs(frame.reconnectAfterMs));
      leaveIfDone();
    } else {
      streams.received(frame as StreamFrame);
      leaveIfDone();
    }
  };

  /** One connection from dialling to its end; undefined where there is no token for it now. */
  const converse = async (): Promise<SessionEnd | undefined> => {
    let token: Token;
    try {
      token = await tokens.get();
    } catch {
      return undefined;
    }
    if (!token) {
      streams.fail(failure('unauthorized'));
      return undefined;
    }
    try {
      const socket = webSocket(`${url.replace('http', 'ws')}/v1/ws`, SUBPROTOCOL, token);
      session = openSession({ ...parts, socket, token, received });
      return await session.ended;
    } catch {
      return NOT_OPENED;
    } finally {
      session = undefined;
      streams.lost();
    }
  };

  /** The relay itself has closed, or had answered before: its code says what is to be done. */
  const afterClose = async ({ code, livedMs = 0 }: SessionEnd, failures: number): Promise<void> => {
    const hintMs = goingAway?.reconnectAfterMs;
    const verdict = closeVerdict(code);
    goingAway = undefined;
    if (verdict !== 'fresh-token' || livedMs > PROVEN_MS) tokens.worked();
    if (verdict === 'back-off') await rest(failures, hintMs);
    else if (verdict !== 'fresh-token') streams.fail(failure(verdict));
    else if (tokens.refused()) streams.fail(failure('unauthorized'));
  };

  /** Nothing that was sent has been answered, greeted or not: is it the relay, the token, or the transport? */
  const afterSilence = async (failures: number): Promise<void> => {
    ladder.recheck();
    const cause = await http.diagnose();
    if (cause === 'transport') {
      if (!ladder.failed('websocket')) await rest(failures);
    } else if (cause?.retryable === false) {
      streams.fail(cause);
    } else {
      await rest(failures, cause?.retryAfterMs);
    }
  };

  /** Before the next connection. Where nothing is left to follow there is none, and nothing to wait for. */
  const rest = async (failures: number, hintMs?: number): Promise<void> => {
    if (streams.size > 0) await pauses.backOff(failures, hintMs);
  };

  const afterEnd = async (end: SessionEnd | undefined, failures: number): Promise<void> => {
    if (end?.answered) ladder.worked('websocket');
    if (!end) await rest(failures);
    else if (end.answered || goingAway || end.code >= RELAYS_OWN) await afterClose(end, failures);
    else if (streams.size > 0) await afterSilence(failures);
  };

  const stayConnected = async (): Promise<void> => {
    connecting = true;
    for (let failures = 0; streams.size > 0; failures++) {
      const transport = await ladder.choose();
      if (transport !== 'websocket') {
        for (const run of streams.release()) moved(run, transport);
        break;
      }
      const end = await converse();
      if (end?.progressed || (end?.livedMs ?? 0) > PROVEN_MS) failures = 0;
      await afterEnd(end, failures);
    }
    connecting = false;
  };

  return {
    leaving: () => !!goingAway,
    follows: streams.has,
    follow(run) {
      run.transport = 'websocket';
      streams.add(run);
      if (greeted() && !goingAway) streams.ask(run);
      else if (connecting) pauses.hurry();
      else void stayConnected();
    },
    cancel: streams.cancel,
    forget(run) {
      streams.remove(run);
      leaveIfDone();
    },
    drop: () => session?.drop(),
    probe: () => session?.probe(),
  };
}
