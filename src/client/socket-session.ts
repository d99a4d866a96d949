/**
 * One WebSocket from its opening to its end: `hello`, heartbeat, questions that have no answer yet. Whatever ends it,
 * `ended` resolves once, and nothing is heard of the socket afterwards, so that a connection declared dead cannot
 * deliver twice.
 */
import type { ClientFrame, ErrorFrame, HelloFrame, ServerFrame } from '../protocol/frames.ts';
import { boundedMs } from '../protocol/retry-after.ts';
import { type ClientTimer, sendingMs, type WebSocketLike } from './platform.ts';
import { createSessionToken, type SessionTokenParts } from './session-token.ts';

/** Without any frame this long after a `ping` the socket is dead, ms. */
const PONG_WITHIN_MS = 10_000;
/** The same when the device woke up: dead sockets are common then, and a person waits. */
const PONG_AFTER_WAKE_MS = 4000;
const LONGEST_HEARTBEAT_MS = 300_000;

const LOST = 1006;

export interface SessionEnd {
  /** The close code; 1006 where we gave the socket up. */
  readonly code: number;
  /** From `hello` to the end, ms; absent where it never came. */
  readonly livedMs?: number | undefined;
  /** Something that was sent has been answered. */
  readonly answered: boolean;
  /** A piece of an answer came. */
  readonly progressed: boolean;
}

export interface SessionParts extends SessionTokenParts {
  readonly socket: WebSocketLike;
  /** Until `hello`, and until a question about a stream is answered, ms. */
  readonly connectMs: number;
  /** Every frame but those about the token and the connection's health. */
  received(frame: ServerFrame): void;
}

export interface SocketSession {
  readonly ended: Promise<SessionEnd>;
  readonly hello: HelloFrame | undefined;
  send(frame: ClientFrame): void;
  /** Sends what the relay answers with a frame of that stream: without one, nothing that is sent arrives. */
  ask(frame: ClientFrame & { readonly id: string }): void;
  /** Hangs up without waiting for the other side, now or after that time. */
  drop(afterMs?: number): void;
  /** The device woke up or changed networks: is the relay there, and has the app a newer token? */
  probe(): void;
}

export function openSession(parts: SessionParts): SocketSession {
  const { socket, clock, connectMs, received } = parts;
  let hello: HelloFrame | undefined;
  let openedAt = 0;
  let heardAt = 0;
  let answered = false;
  let progressed = false;
  /** Until `hello`, then the heartbeat. */
  let watchdog: ClientTimer | undefined;
  let dropping: ClientTimer | undefined;
  /** By stream: questions without an answer yet. */
  const questions = new Map<string, ClientTimer>();
  let resolve: ((end: SessionEnd) => void) | undefined;
  const ended = new Promise<SessionEnd>((settle) => {
    resolve = settle;
  });

  const send = (frame: ClientFrame): void => {
    if (resolve) socket.send(JSON.stringify(frame));
  };
  const token = createSessionToken(parts, send);

  const end = (code = LOST): void => {
    token.close();
    for (const timer of [watchdog, dropping, ...questions.values()]) timer?.cancel();
    resolve?.({ code, livedMs: hello && clock.elapsed() - openedAt, answered, progressed });
    resolve = undefined;
  };
  const drop = (): void => {
    end();
    socket.onmessage = socket.onclose = null;
    socket.close();
  };
  const watch = (ms: number, expired: () => void): void => {
    watchdog?.cancel();
    watchdog = clock.after(ms, expired);
  };
  const answer = (id: string): void => {
    questions.get(id)?.cancel();
    questions.delete(id);
  };

  /** Sends `ping` after `heartbeatMs` of silence. */
  const heartbeat = (): void => {
    const left = heardAt + boundedMs(hello?.heartbeatMs, LONGEST_HEARTBEAT_MS) - clock.elapsed();
    if (left > 0) watch(left, heartbeat);
    else ping(PONG_WITHIN_MS);
  };
  const ping = (withinMs: number): void => {
    const askedAt = clock.elapsed();
    send({ type: 'ping' });
    watch(withinMs, () => (heardAt > askedAt ? heartbeat() : drop()));
  };

  const heard = (frame: ServerFrame): void => {
    // What the relay says without being asked is no proof that anything we send arrives.
    const { id } = frame.type === 'stream' ? ({} as ErrorFrame) : (frame as ErrorFrame);
    heardAt = clock.elapsed();
    answered ||= !!id || frame.type === 'pong' || frame.type === 'streams';
    progressed ||= 'seq' in frame;
    if (id) answer(id);
    if (frame.type === 'token_expiring') token.expiring(frame.expiresInMs);
    else if (frame.type === 'authenticated') token.authenticated(frame.tokenExpiresAt);
    else if (frame.type === 'error' && !id) token.refused(frame.retryable);
    else {
      if (frame.type === 'hello') {
        hello = frame;
        token.opened(frame.tokenExpiresAt);
        openedAt = heardAt;
        heartbeat();
      }
      received(frame);
    }
  };

  watch(connectMs, drop);
  socket.onmessage = ({ data }) => {
    try {
      heard(JSON.parse(data as string));
    } catch {
      drop(); // not our protocol
    }
  };
  socket.onclose = ({ code }) => end(code);
  socket.onerror = () => {}; // a close follows
  return {
    ended,
    get hello() {
      return hello;
    },
    send,
    ask(frame) {
      answer(frame.id);
      send(frame);
      if (resolve) questions.set(frame.id, clock.after(connectMs + sendingMs(JSON.stringify(frame)), drop));
    },
    drop(afterMs) {
      dropping?.cancel();
      if (afterMs === undefined) drop();
      else dropping = clock.after(afterMs, drop);
    },
    probe() {
      if (!hello) return;
      ping(PONG_AFTER_WAKE_MS);
      void token.offer(false).catch(() => {});
    },
  };
}
