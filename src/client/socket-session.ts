/**
 * One WebSocket from dialling to its end: greeting, heartbeat, token renewal. Whatever ends it, `ended` resolves
 * once, and nothing is heard of the socket afterwards, so that a connection declared dead cannot deliver twice.
 */
import type { ClientFrame, HelloFrame, ServerFrame } from '../protocol/frames.ts';
import { boundedMs } from '../protocol/retry-after.ts';
import type { ClientClock, ClientTimer } from './clock.ts';
import type { Renewals } from './renewals.ts';
import type { Token, Tokens } from './tokens.ts';
import { sendingMs, type WebSocketLike } from './web-socket.ts';

/** Without any frame this long after a `ping` the socket is dead, ms. */
const PONG_WITHIN_MS = 10_000;
/** The same when the device woke up: dead sockets are common then, and somebody is looking at the screen. */
const PONG_AFTER_WAKE_MS = 4000;
const LONGEST_HEARTBEAT_MS = 300_000;

const LOST = 1006;
/** What the relay says without being asked: no proof that anything we send arrives. */
const UNASKED: readonly string[] = ['hello', 'going_away', 'token_expiring'];

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

export interface SessionParts {
  readonly socket: WebSocketLike;
  /** The one it was opened with. */
  readonly token: Token;
  readonly clock: ClientClock;
  readonly tokens: Tokens;
  readonly renewals: Renewals;
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
  /** The device woke up or changed networks: is anybody there, and has the app a newer token? */
  probe(): void;
}

export function openSession(parts: SessionParts): SocketSession {
  const { socket, clock, tokens, renewals, connectMs, received } = parts;
  let hello: HelloFrame | undefined;
  let greetedAt = 0;
  let heardAt = 0;
  let answered = false;
  let progressed = false;

  /** Greeting, then heartbeat. */
  let watch: ClientTimer | undefined;
  let renewal: ClientTimer | undefined;
  let leaving: ClientTimer | undefined;
  let isRenewing = false;
  /** The token by which the relay knows us, and the one it was offered since. */
  let taken = parts.token;
  let offered: Token;
  /** When it ends: Unix ms by the relay's clock, and by our own, which may be wrong by any amount. */
  let expiresAt = 0;
  let endsAt = 0;
  /** By stream: questions without an answer yet. */
  const questions = new Map<string, ClientTimer>();
  let end: ((end: SessionEnd) => void) | undefined;
  const ended = new Promise<SessionEnd>((resolve) => {
    end = resolve;
  });

  const over = (code = LOST): void => {
    for (const timer of [watch, renewal, leaving, ...questions.values()]) timer?.cancel();
    end?.({ code, livedMs: hello && clock.elapsed() - greetedAt, answered, progressed });
    end = undefined;
  };
  const send = (frame: ClientFrame): void => {
    if (end) socket.send(JSON.stringify(frame));
  };
  const drop = (): void => {
    over();
    socket.onmessage = socket.onclose = null;
    socket.close();
  };
  const watchFor = (ms: number, then: () => void): void => {
    watch?.cancel();
    watch = clock.after(ms, then);
  };
  const answer = (id: string): void => {
    questions.get(id)?.cancel();
    questions.delete(id);
  };

  /** Sends `ping` after `heartbeatMs` of silence. */
  const listen = (): void => {
    const left = heardAt + boundedMs(hello?.heartbeatMs, LONGEST_HEARTBEAT_MS) - clock.elapsed();
    if (left > 0) watchFor(left, listen);
    else ping(PONG_WITHIN_MS);
  };
  const ping = (withinMs: number): void => {
    const askedAt = clock.elapsed();
    send({ type: 'ping' });
    watchFor(withinMs, () => (heardAt > askedAt ? listen() : drop()));
  };

  /** Sends it, unless the relay has it. True where an answer will follow. By then another user's socket is dropped. */
  const handIn = async (refresh: boolean): Promise<boolean> => {
    const token = await tokens.get(refresh);
    const isNews = !!token && token !== taken && token !== offered;
    if (isNews) {
      offered = token;
      send({ type: 'auth', token });
    }
    return isNews;
  };
  /** A fresh token, as soon as one may be asked for. */
  const renew = async (): Promise<void> => {
    renewal?.cancel();
    if (!end) return;
    if (renewals.waitMs > 0) {
      renewal = clock.after(renewals.waitMs, () => void renew());
      return;
    }
    isRenewing = true;
    renewals.asked();
    if (!(await handIn(true).catch(() => false))) void renew();
  };
  const authenticated = (tokenExpiresAt: number): void => {
    tokens.worked();
    taken = offered;
    endsAt += tokenExpiresAt - expiresAt;
    expiresAt = tokenExpiresAt;
    if (renewals.taken(endsAt - clock.elapsed())) {
      isRenewing = false;
      renewal?.cancel();
    } else if (isRenewing) {
      void renew();
    }
  };

  const heard = (frame: ServerFrame): void => {
    heardAt = clock.elapsed();
    answered ||= !UNASKED.includes(frame.type);
    progressed ||= 'seq' in frame;
    if ('id' in frame && frame.id) answer(frame.id);
    if (frame.type === 'token_expiring') {
      endsAt = heardAt + frame.expiresInMs;
      void renew();
    } else if (frame.type === 'authenticated') {
      authenticated(frame.tokenExpiresAt);
    } else if (frame.type === 'error' && !frame.id) {
      // The old token holds. What could not be checked may be offered again; what was refused may not.
      if (offered) void renew();
      if (frame.retryable) offered = undefined;
    } else {
      if (frame.type === 'hello') {
        hello = frame;
        expiresAt = frame.tokenExpiresAt;
        greetedAt = heardAt;
        listen();
      }
      received(frame);
    }
  };

  watchFor(connectMs, drop);
  socket.onmessage = ({ data }) => {
    try {
      heard(JSON.parse(data as string));
    } catch {
      drop(); // not our protocol
    }
  };
  socket.onclose = ({ code }) => over(code);
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
      if (end) questions.set(frame.id, clock.after(connectMs + sendingMs(JSON.stringify(frame)), drop));
    },
    drop(afterMs) {
      leaving?.cancel();
      if (afterMs === undefined) drop();
      else leaving = clock.after(afterMs, drop);
    },
    probe() {
      if (!hello) return;
      ping(PONG_AFTER_WAKE_MS);
      void handIn(false).catch(() => {});
    },
  };
}
