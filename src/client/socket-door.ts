/**
 * All streams over one WebSocket that is opened when there is one to follow and comes back while there is. Whenever
 * it opens, each stream is asked for from exactly where it stands. Owns the connection's life (`stayConnected`), the
 * acknowledgements and the relay's `going_away`; what a frame means for a stream is the run's machine.
 */
import type { ChunkFrame, ClientFrame, GoingAwayFrame, ServerFrame } from '../protocol/frames.ts';
import { createAcknowledger } from './acknowledger.ts';
import type { Transport } from './answer.ts';
import type { ClientClock } from './clock.ts';
import { closeVerdict } from './close-verdict.ts';
import { type Failure, failure } from './dash-error.ts';
import type { Ladder } from './ladder.ts';
import type { Pauses } from './pauses.ts';
import type { RelayHttp } from './relay-http.ts';
import type { Run } from './run.ts';
import { openSession, type SessionEnd, type SocketSession } from './socket-session.ts';
import type { StreamFrame } from './stream-state.ts';
import type { Tokens } from './tokens.ts';
import { utf8Length } from './utf8-length.ts';
import type { WebSocketFactory } from './web-socket.ts';

const SUBPROTOCOL = 'dash-relay.v1';
/** A token that carried a connection for this long was good: its expiry is no second refusal, ms. */
const PROVEN_MS = 10_000;

export interface SocketDoorParts {
  readonly url: string;
  readonly webSocket: WebSocketFactory;
  readonly ladder: Ladder;
  readonly http: RelayHttp;
  readonly tokens: Tokens;
  readonly pauses: Pauses;
  readonly clock: ClientClock;
  readonly connectMs: number;
  /** WebSockets are not to be used: this stream goes on by another transport. */
  moved(run: Run, transport: Transport): void;
}

export interface SocketDoor {
  /** The relay is about to go; the socket stays for the streams it has. */
  leaving(): boolean;
  follow(run: Run): void;
  /** Tells the relay, now or behind the question on the next connection. */
  cancel(run: Run): void;
  /**
   * The run has ended for its caller. Where the relay goes on sending (`detach`), its frames are still acknowledged:
   * a reader that takes nothing would stall the whole connection.
   */
  forget(run: Run): void;
  /** The network is gone, or nothing is left to do. */
  drop(): void;
  probe(): void;
}

export function createSocketDoor(parts: SocketDoorParts): SocketDoor {
  const { url, webSocket, ladder, http, tokens, pauses, clock, moved } = parts;
  const runs = new Map<string, Run>();
  const acks = createAcknowledger(clock, (frame) => session?.send(frame));
  let session: SocketSession | undefined;
  let connecting = false;

  let goingAway: GoingAwayFrame | undefined;

  const failAll = (why: Failure): void => {
    for (const run of runs.values()) run.fail(why);
  };
  const cancel = ({ id }: Run): void => {
    if (session?.hello) session.send({ type: 'cancel', id });
  };

  /** From where it stands. A stop goes right behind: a start that was lost is then stopped before it costs. */
  const ask = (run: Run): void => {
    const { id, request, state } = run;
    const { epoch, seq: after, stopping } = state;
    const frame = epoch ? { type: 'resume', id, epoch, after } : { type: 'start', id, ...request };
    if (utf8Length(JSON.stringify(frame)) > (session?.hello?.limits.frameBytes ?? 0)) {
      run.fail(failure('too_large'));
    } else {
      run.dispatch({ type: 'ask' });
      session?.send(frame as ClientFrame);
      if (stopping) cancel(run);
    }
  };

  /** While the relay is about to go: leaves as soon as nothing is followed any more. */
  const leaveIfDone = (): void => {
    if (goingAway && ![...runs.values()].some(({ state }) => state.following)) session?.drop();
  };

  const receivedOf = (frame: StreamFrame): void => {
    const { id = '', seq } = frame as ChunkFrame;
    const run = runs.get(id);
    if (seq) acks.held(id, seq);
    if (run?.dispatch(frame)?.type === 'ask') ask(run);
    leaveIfDone();
  };

  const received = (frame: ServerFrame): void => {
    if (frame.type === 'hello') {
      for (const run of runs.values()) ask(run);
    } else if (frame.type === 'going_away') {
      goingAway = frame;
      ladder.recheck();
      const leaving = session;
      if (frame.resume === 'elsewhere') clock.after(frame.reconnectAfterMs, () => leaving?.drop());
      leaveIfDone();
    } else {
      receivedOf(frame as StreamFrame);
    }
  };

  const drop = (): void => session?.drop();

  /** One connection, from the token to its end. */
  const converse = async (): Promise<SessionEnd> => {
    try {
      const token = await tokens.get();
      const socket = webSocket(`${url.replace('http', 'ws')}/v1/ws`, SUBPROTOCOL, token ?? '');
      session = openSession({ ...parts, socket, received });
      return await session.ended;
    } catch {
      return { code: 0 };
    } finally {
      session = undefined;
      acks.reset();
    }
  };

  /** After a connection that had been greeted. */
  const afterClose = async ({ code, livedMs = 0 }: SessionEnd): Promise<void> => {
    const hintMs = goingAway?.reconnectAfterMs;
    const verdict = closeVerdict(code);
    goingAway = undefined;
    if (verdict !== 'fresh-token' || livedMs > PROVEN_MS) tokens.worked();
    if (verdict === 'back-off') await pauses.backOff(0, hintMs);
    else if (verdict !== 'fresh-token') failAll(failure(verdict));
    else if (tokens.refused()) failAll(failure('unauthorized'));
  };

  const stayConnected = async (): Promise<void> => {
    let failures = 0;
    connecting = true;
    while (runs.size > 0) {
      const transport = await ladder.choose();
      if (transport !== 'websocket') {
        for (const run of runs.values()) moved(run, transport);
        runs.clear();
        break;
      }
      const end = await converse();
      for (const run of runs.values()) run.dispatch({ type: 'lost' });
      if (end.livedMs !== undefined) {
        failures = 0;
        await afterClose(end);
      } else {
        ladder.recheck();
        if (await http.recover(failures++, failAll)) ladder.block(transport);
      }
    }
    connecting = false;
  };

  return {
    leaving: () => !!goingAway,
    follow(run) {
      run.transport = 'websocket';
      runs.set(run.id, run);
      if (session?.hello && !goingAway) ask(run);
      else if (connecting) pauses.hurry();
      else void stayConnected();
    },
    cancel,
    forget({ id }) {
      runs.delete(id);
      leaveIfDone();
    },
    drop,
    probe: () => session?.probe(),
  };
}
