/**
 * One client's connection from its greeting to its end: whose it is and until when, how many frames it may send, and who
 * handles them. A stream never depends on it. Nothing is handled after it decided to close.
 */
import type { Principal } from '../auth/port.ts';
import type { Caller, Door } from '../observability/port.ts';
import { CLOSE_CODES } from '../protocol/codes.ts';
import type { AuthFrame, ClientFrame, ConfigFrame, ErrorFrame, ServerFrame } from '../protocol/frames.ts';
import { type ParsedFrame, parseClientFrame, type ReadUntyped } from '../protocol/parse-client-frame.ts';
import { RelayError } from '../protocol/relay-error.ts';
import type { WireText } from '../protocol/wire-text.ts';
import { encodeFrame } from '../protocol/wire-text.ts';
import type { StreamWatch } from '../run/port.ts';
import { tokenRevoked } from '../run/refusals.ts';
import type { RunView } from '../run/run-view.ts';
import type { Clock } from '../time/clock.ts';
import type { TimerWheel } from '../time/timer-wheel.ts';
import type { Delivery } from './delivery.ts';
import { EndingProofs } from './ending-proofs.ts';
import { FrameRates } from './frame-rates.ts';
import type { ConnectionInfo, FrameSocket, ServedConnection } from './port.ts';
import { type FlushScheduler, SendQueue, type SendQueueOwner } from './send-queue.ts';
import { type About, type CommandParts, type CommandsOwner, StreamCommands } from './stream-commands.ts';
import { Heartbeat, type HeartbeatOwner, type TokenOwner, TokenWatch } from './timers.ts';

export interface ConnectionParts extends CommandParts {
  readonly version: string;
  readonly scheduler: FlushScheduler;
  readonly wheel: TimerWheel;
  readonly clock: Clock;
  readonly heartbeatMs: number;
  readonly resumeWindowMs: number;
  readonly keepsAnswers: boolean;
  readonly streamWatch: StreamWatch;
  /** Whether the token of a principal is revoked, at this moment. */
  readonly isRevoked: (principal: Principal) => boolean;
}

/** The close code of `ws` for a peer that is gone without a close frame. */
const WITHOUT_CLOSE_FRAME = 1006;

/**
 * An idle one costs less than 5 KB of memory, half of it the socket's: its parts call back the connection itself instead
 * of a closure each, and what streams need comes with the first frame about one.
 */
export class Connection
  implements ServedConnection, SendQueueOwner, CommandsOwner, HeartbeatOwner, TokenOwner
{
  readonly #parts: ConnectionParts;
  readonly #socket: FrameSocket;
  readonly #connectionId: string;
  readonly traceparent: string | undefined;
  readonly #readUntyped: ReadUntyped | undefined;
  readonly #door: Door;
  readonly #sendQueue: SendQueue;
  readonly #rates: FrameRates;
  readonly #heartbeat: Heartbeat;
  readonly #token: TokenWatch;
  readonly #openedAt: number;
  readonly #onClosed: (connection: Connection) => void;
  #principal: Principal;
  #commands: StreamCommands | undefined;
  /** Of runs whose user is told where nobody reads the ending. */
  #proofs: EndingProofs | undefined;
  #closeReason: keyof typeof CLOSE_CODES | undefined;
  /** It wants to know which streams its user has. */
  #isWatching = false;

  constructor(
    socket: FrameSocket,
    { connectionId, principal, traceparent, readUntyped, door = 'websocket' }: ConnectionInfo,
    parts: ConnectionParts,
    onClosed: (connection: Connection) => void,
  ) {
    const { clock, wheel, limits, heartbeatMs, scheduler } = parts;
    this.#parts = parts;
    this.#socket = socket;
    this.#connectionId = connectionId;
    this.traceparent = traceparent;
    this.#readUntyped = readUntyped;
    this.#door = door;
    this.#principal = principal;
    this.#onClosed = onClosed;
    this.#openedAt = clock.elapsed();
    this.#sendQueue = new SendQueue(socket, scheduler, wheel, this);
    this.#rates = new FrameRates(limits, clock);
    this.#heartbeat = new Heartbeat(wheel, heartbeatMs, this);
    this.#token = new TokenWatch(wheel, clock, this);
    this.#sayHello();
  }

  get principal(): Principal {
    return this.#principal;
  }

  get caller(): Caller {
    return { door: this.#door, requestId: null, connectionId: this.#connectionId };
  }

  /** Bytes written that the client has not taken, as far as this is known. */
  get backlogBytes(): number {
    return this.#sendQueue.backlogBytes;
  }

  received(text: string): void {
    if (this.#closeReason === undefined) this.take(parseClientFrame(text, this.#readUntyped));
  }

  take(parsed: ParsedFrame): void {
    if (this.#closeReason !== undefined) return;
    if (!this.#isFree(parsed) && !this.#rates.take('frame' in parsed ? parsed.frame : undefined)) {
      this.close('tooManyFrames');
    } else if ('frame' in parsed) {
      this.#handle(parsed.frame);
    } else {
      this.refuse(parsed.error, parsed);
      if (parsed.of === undefined) this.countUnreadable();
    }
  }

  pong(text: string): void {
    this.#heartbeat.pong();
    this.#proofs?.answered(text);
  }

  drained(): void {
    this.#sendQueue.drained();
  }

  closed(code: number): void {
    if (this.#closeReason === undefined && code !== WITHOUT_CLOSE_FRAME) this.#proofs?.left();
    this.#detach();
    this.#parts.observer.connectionClosed({
      connectionId: this.#connectionId,
      userId: this.#principal.userId,
      code,
      reason: this.#closeReason ?? null,
      durationMs: Math.round(this.#parts.clock.elapsed() - this.#openedAt),
    });
    this.#onClosed(this);
  }

  /** Sends what was answered already, then closes with that code. */
  close(reason: keyof typeof CLOSE_CODES): void {
    if (this.#closeReason !== undefined) return;
    this.#sendQueue.write();
    this.#closeReason = reason;
    this.#detach();
    this.#socket.close(CLOSE_CODES[reason], reason);
  }

  /** Tells the client that this process is about to go. */
  goingAway(reconnectAfterMs: number, deadlineMs: number, resume: 'elsewhere' | 'here'): void {
    this.send({ type: 'going_away', reconnectAfterMs, deadlineMs, resume });
  }

  /** Tells the client what the operator wants of it now. */
  configChanged(config: Omit<ConfigFrame, 'type'>): void {
    if (this.#closeReason === undefined) this.send({ type: 'config', ...config });
  }

  send(frame: ServerFrame): void {
    this.sendWire(encodeFrame(frame));
  }

  sendWire(wire: WireText): void {
    this.#sendQueue.answer(wire);
  }

  refuse(error: RelayError, about: About): void {
    this.send(errorFrame(error, about));
    this.#parts.observer.refused({
      ...this.caller,
      userId: this.#principal.userId,
      streamId: about.isMadeUp ? null : (about.id ?? null),
      of: about.of ?? 'frame',
      code: error.code,
      cause: error.cause,
    });
  }

  countFrame(): void {
    if (!this.#rates.take(undefined)) this.close('tooManyFrames');
  }

  countUnreadable(): void {
    if (!this.#rates.takeUnreadable()) this.close('badFrames');
  }

  sendingEnding(run: RunView): void {
    if (!run.awaitsReader) return;
    this.#proofs ??= new EndingProofs((text) => this.#socket.ping(text));
    this.#proofs.sending(run);
  }

  deliveryFinished(delivery: Delivery, how: 'ending' | 'gap'): void {
    if (how === 'ending') this.sendingEnding(delivery.run); // it is written when this returns
    this.#commands?.deliveryFinished(delivery, how);
  }

  readerHeld(): void {
    this.#parts.observer.slowReader('held');
  }

  readerStalled(): void {
    if (this.#closeReason !== undefined) return;
    this.#parts.observer.slowReader('closed');
    this.close('tryAgainLater');
  }

  pingDue(): void {
    this.#socket.ping();
  }

  pongMissed(): void {
    this.close('noPong');
  }

  tokenExpiring(expiresInMs: number): void {
    this.send({ type: 'token_expiring', expiresInMs });
  }

  tokenExpired(): void {
    this.close('tokenExpired');
  }

  #sayHello(): void {
    const { version, heartbeatMs, resumeWindowMs, keepsAnswers, limits, observer } = this.#parts;
    const { userId, expiresAt } = this.#principal;
    observer.connectionOpened({ connectionId: this.#connectionId, userId });
    this.send({
      type: 'hello',
      version,
      connectionId: this.#connectionId,
      userId,
      tokenExpiresAt: expiresAt,
      heartbeatMs,
      resumeWindowMs,
      ...(keepsAnswers ? { keepsAnswers } : {}),
      limits,
    });
    this.#token.start(expiresAt);
  }

  /** An ack of what was sent and not acknowledged counts in no rate: what we sent bounds how many there can be. */
  #isFree(parsed: ParsedFrame): boolean {
    if (!('frame' in parsed) || parsed.frame.type !== 'ack') return false;
    return this.#commands?.acknowledges(parsed.frame) === true;
  }

  #handle(frame: ClientFrame): void {
    if (frame.type === 'ping') {
      this.send(frame.t === undefined ? { type: 'pong' } : { type: 'pong', t: frame.t });
    } else if (frame.type === 'auth') {
      void this.#authenticate(frame);
    } else if (frame.type === 'watch') {
      this.#isWatching = true;
      this.#parts.streamWatch.watch(this.#principal.userId, this);
    } else {
      this.#commands ??= new StreamCommands(this, this.#sendQueue, this.#parts);
      this.#commands.handle(frame);
    }
  }

  async #authenticate({ token }: AuthFrame): Promise<void> {
    try {
      const principal = await this.#parts.authenticator.verify(token);
      if (this.#closeReason !== undefined) return;
      if (this.#parts.isRevoked(principal)) throw tokenRevoked(); // while its tier was looked up
      if (principal.userId !== this.#principal.userId) return this.close('wrongUser');
      this.#principal = principal;
      this.send({ type: 'authenticated', tokenExpiresAt: principal.expiresAt });
      this.#token.renew(principal.expiresAt);
    } catch (cause) {
      const error = RelayError.from(cause);
      const unavailable = error.code === 'unavailable';
      this.refuse(
        unavailable
          ? new RelayError('internal', 'tokens cannot be checked now; try again', { cause })
          : error,
        {},
      );
    }
  }

  #detach(): void {
    this.#heartbeat.stop();
    this.#token.stop();
    this.#sendQueue.stop();
    this.#commands?.detach();
    if (this.#isWatching) this.#parts.streamWatch.unwatch(this.#principal.userId, this);
  }
}

function errorFrame(error: RelayError, { id, of }: About): ErrorFrame {
  const { quota, reason } = error;
  return {
    type: 'error',
    ...(id === undefined ? {} : { id }),
    ...(of === undefined ? {} : { of }),
    ...error.told,
    ...quota,
    ...(reason === 'switched_off' ? { reason } : {}),
  };
}
