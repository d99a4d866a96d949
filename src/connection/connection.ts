/**
 * One client's connection: reads its frames, answers them, and follows streams on its behalf. It owns its rates, its
 * token and its deliveries; a stream never depends on it. Nothing is handled after it decided to close.
 */
import type { Authenticator, Principal } from '../auth/port.ts';
import type { Caller, Observer } from '../observability/port.ts';
import { CLOSE_CODES } from '../protocol/codes.ts';
import { encodeFrame } from '../protocol/encode-frame.ts';
import type {
  AckFrame,
  AuthFrame,
  CancelFrame,
  ClientFrame,
  ErrorFrame,
  HelloFrame,
  ResumeFrame,
  ServerFrame,
  StartFrame,
} from '../protocol/frames.ts';
import { type ParsedFrame, parseClientFrame } from '../protocol/parse-client-frame.ts';
import { RelayError } from '../protocol/relay-error.ts';
import { EndingWaiter } from '../run/ending-waiter.ts';
import type { Cluster } from '../run/port.ts';
import { resumeGap, unknownStream } from '../run/refusals.ts';
import type { RunRegistry } from '../run/registry.ts';
import type { RunView } from '../run/run-view.ts';
import type { RunStarter, Started } from '../run/starter.ts';
import type { Clock } from '../time/clock.ts';
import type { TimerWheel } from '../time/timer-wheel.ts';
import { Delivery, type DeliveryOwner } from './delivery.ts';
import type { Flushable, FlushScheduler } from './flush-scheduler.ts';
import { FrameRates } from './frame-budget.ts';
import { Heartbeat, type HeartbeatOwner } from './heartbeat.ts';
import type { ConnectionEvents, ConnectionInfo, FrameSocket } from './port.ts';
import { SendQueue, type SendQueueOwner } from './send-queue.ts';
import { type StallOwner, StallWatch } from './stall-watch.ts';
import { type TokenOwner, TokenWatch } from './token-watch.ts';

export interface ConnectionParts {
  readonly version: string;
  readonly authenticator: Authenticator;
  readonly starter: RunStarter;
  readonly registry: RunRegistry;
  /** Absent where this is the only machine. */
  readonly cluster: Cluster | undefined;
  readonly scheduler: FlushScheduler;
  readonly observer: Observer;
  readonly wheel: TimerWheel;
  readonly clock: Clock;
  readonly heartbeatMs: number;
  readonly resumeWindowMs: number;
  readonly limits: HelloFrame['limits'];
}

type StreamFrame = StartFrame | CancelFrame | ResumeFrame | AckFrame;

/** Which stream and which client frame an error is about, as far as that is known. */
type About = { readonly id?: string; readonly of?: NonNullable<ErrorFrame['of']> };

/**
 * What a connection starts with, and an idle one keeps. It costs less than 5 KB of memory, half of it the socket's: the
 * first entry brings a table of its own, and its parts call back the connection itself instead of a closure each.
 */
const NO_DELIVERIES: Map<string, Delivery> = new Map();
const NO_WAITERS: Set<EndingWaiter> = new Set();
const NO_ASKING: Map<string, Promise<void>> = new Map();

type Owner = DeliveryOwner & SendQueueOwner & HeartbeatOwner & StallOwner & TokenOwner;

export class Connection implements ConnectionEvents, Owner, Flushable {
  marked = false;
  readonly #parts: ConnectionParts;
  readonly #socket: FrameSocket;
  readonly #connectionId: string;
  readonly #sendQueue: SendQueue;
  #deliveries = NO_DELIVERIES;
  #waiters = NO_WAITERS;
  /** By stream: frames that other machines are asked about, and those behind them. */
  #asking = NO_ASKING;
  readonly #rates: FrameRates;
  readonly #heartbeat: Heartbeat;
  readonly #stall: StallWatch;
  readonly #token: TokenWatch;
  readonly #openedAt: number;
  readonly #onClosed: (connection: Connection) => void;
  #principal: Principal;
  /** Starts that other machines are asked about. */
  #starting = 0;
  #acks = false;
  /** Of all deliveries together. */
  #unackedBytes = 0;
  #closeReason: keyof typeof CLOSE_CODES | undefined;
  #detached = false;

  constructor(
    socket: FrameSocket,
    { connectionId, principal }: ConnectionInfo,
    parts: ConnectionParts,
    onClosed: (connection: Connection) => void,
  ) {
    const { clock, wheel, limits, heartbeatMs } = parts;
    this.#parts = parts;
    this.#socket = socket;
    this.#connectionId = connectionId;
    this.#principal = principal;
    this.#onClosed = onClosed;
    this.#openedAt = clock.elapsed();
    this.#sendQueue = new SendQueue(socket, this);
    this.#rates = new FrameRates(limits, clock);
    this.#heartbeat = new Heartbeat(wheel, heartbeatMs, this);
    this.#stall = new StallWatch(wheel, this);
    this.#token = new TokenWatch(wheel, clock, this);
    this.#greet();
  }

  get userId(): string {
    return this.#principal.userId;
  }

  get #caller(): Caller {
    return { door: 'websocket', requestId: null, connectionId: this.#connectionId };
  }

  /** Zero for a client that never acknowledged: it is governed by socket buffers alone. */
  get unackedBytes(): number {
    return this.#acks ? this.#unackedBytes : 0;
  }

  /** Bytes written that the client has not taken, as far as this is known. */
  get backlogBytes(): number {
    return this.#socket.bufferedBytes + this.unackedBytes;
  }

  received(text: string): void {
    if (this.#closeReason !== undefined) return;
    const parsed = parseClientFrame(text);
    if (!this.#isFree(parsed) && !this.#rates.take('frame' in parsed ? parsed.frame : undefined)) {
      this.close('tooManyFrames');
    } else if ('frame' in parsed) {
      this.#handle(parsed.frame);
    } else {
      this.#refuse(parsed.error, parsed);
      if (parsed.of === undefined && !this.#rates.takeUnreadable()) this.close('badFrames');
    }
  }

  pong(): void {
    this.#heartbeat.pong();
  }

  pingDue(): void {
    this.#socket.ping();
  }

  pongMissed(): void {
    this.close('noPong');
  }

  get outstanding(): boolean {
    return this.#sendQueue.waiting || this.unackedBytes > 0;
  }

  readerStalled(): void {
    this.close('tryAgainLater');
  }

  tokenExpiring(expiresInMs: number): void {
    this.#send({ type: 'token_expiring', expiresInMs });
  }

  tokenExpired(): void {
    this.close('tokenExpired');
  }

  drained(): void {
    this.#stall.progress();
    this.#parts.scheduler.mark(this);
  }

  closed(code: number): void {
    this.#detach();
    this.#parts.observer.connectionClosed({
      connectionId: this.#connectionId,
      userId: this.userId,
      code,
      reason: this.#closeReason ?? null,
      durationMs: Math.round(this.#parts.clock.elapsed() - this.#openedAt),
    });
    this.#onClosed(this);
  }

  /** Writes what is due. The scheduler calls it once a turn. */
  flush(): void {
    if (this.#closeReason !== undefined) return;
    this.#sendQueue.flush();
    if (this.#sendQueue.takesMore) this.#parts.scheduler.mark(this); // in the next turn: others have theirs first
    this.#stall.watch();
  }

  /** Sends what was answered already, then closes with that code. */
  close(reason: keyof typeof CLOSE_CODES): void {
    if (this.#closeReason !== undefined) return;
    this.#sendQueue.flush();
    this.#closeReason = reason;
    this.#detach();
    this.#socket.close(CLOSE_CODES[reason], reason);
  }

  /** Tells the client that this process is about to go. */
  goingAway(reconnectAfterMs: number, deadlineMs: number, resume: 'elsewhere' | 'here'): void {
    this.#send({ type: 'going_away', reconnectAfterMs, deadlineMs, resume });
  }

  deliveryAccepted(delivery: Delivery): void {
    if (delivery.attached) this.#sendResumed(delivery.run, 0);
    else this.#send(delivery.run.acceptedFrame);
  }

  deliveryReady(delivery: Delivery): void {
    this.#sendQueue.ready(delivery);
    this.#parts.scheduler.mark(this);
  }

  deliveryRefused(delivery: Delivery, error: RelayError): void {
    this.#deliveries.delete(delivery.run.id);
    this.#refuse(error, { id: delivery.run.id, of: 'start' });
  }

  unackedChanged(bytes: number): void {
    this.#unackedBytes += bytes;
  }

  deliveryFinished(delivery: Delivery, how: 'ending' | 'gap'): void {
    this.#stopDelivery(delivery);
    if (how === 'gap') {
      this.#refuse(resumeGap(), {
        id: delivery.run.id,
        of: 'resume',
      });
    }
  }

  #greet(): void {
    const { version, heartbeatMs, resumeWindowMs, limits, observer } = this.#parts;
    const { userId, expiresAt } = this.#principal;
    observer.connectionOpened({ connectionId: this.#connectionId, userId });
    this.#send({
      type: 'hello',
      version,
      connectionId: this.#connectionId,
      userId,
      tokenExpiresAt: expiresAt,
      heartbeatMs,
      resumeWindowMs,
      limits,
    });
    this.#token.start(expiresAt);
  }

  /** An ack of what was sent and not acknowledged counts in no rate: what we sent bounds how many there can be. */
  #isFree(parsed: ParsedFrame): boolean {
    if (!('frame' in parsed) || parsed.frame.type !== 'ack') return false;
    const { id, seq } = parsed.frame;
    return this.#deliveries.get(id)?.acknowledges(seq) === true;
  }

  #handle(frame: ClientFrame): void {
    if (frame.type === 'ping') {
      this.#send(frame.t === undefined ? { type: 'pong' } : { type: 'pong', t: frame.t });
    } else if (frame.type === 'auth') {
      void this.#authenticate(frame);
    } else {
      this.#handleStreamFrame(frame);
    }
  }

  /** Frames about one stream are handled in their order, also where other machines are asked. */
  #handleStreamFrame(frame: StreamFrame): void {
    const { id = '' } = frame;
    const before = this.#asking.get(id);
    // Its answer comes in order; what it costs does not wait for what is asked before it.
    if (frame.type === 'cancel' && before !== undefined)
      this.#parts.registry.find(this.userId, id)?.abort('cancelled');
    const asking = before === undefined ? this.#attempt(frame) : before.then(() => this.#attempt(frame));
    if (asking === undefined) return;
    const answered = asking.then(() => {
      if (this.#asking.get(id) === answered) this.#asking.delete(id);
    });
    if (this.#asking === NO_ASKING) this.#asking = new Map();
    this.#asking.set(id, answered);
  }

  /** Done when it returns, unless other machines are asked. Never throws or rejects. */
  #attempt(frame: StreamFrame): Promise<void> | undefined {
    if (this.#detached) return undefined;
    const refuse = (error: unknown): void => {
      const { id, type: of } = frame;
      this.#refuse(RelayError.from(error), id === undefined ? { of } : { id, of });
    };
    try {
      return this.#answer(frame)?.catch(refuse);
    } catch (error) {
      refuse(error);
      return undefined;
    }
  }

  #answer(frame: StreamFrame): Promise<void> | undefined {
    if (frame.type === 'start') return this.#start(frame);
    if (frame.type === 'ack') return this.#ack(frame);
    const here = this.#parts.registry.find(this.userId, frame.id);
    const { cluster } = this.#parts;
    const answer = (run: RunView | undefined): Promise<void> | undefined =>
      frame.type === 'cancel' ? this.#cancel(run, frame) : this.#resume(run, frame);
    if (here === undefined && cluster !== undefined) return cluster.find(this.userId, frame).then(answer);
    return answer(here);
  }

  #start({ type: _, id, ...request }: StartFrame): Promise<void> | undefined {
    // The issuer has withdrawn the key: a client that is still welcome comes back with a new token, and asks again.
    if (this.#parts.authenticator.withdrawn(this.#principal)) return void this.close('tokenExpired');
    const followed = id !== undefined && this.#deliveries.has(id);
    if (!followed) this.#admitOneMore();
    const command = { principal: this.#principal, id, request, caller: this.#caller };
    const asking = this.#parts.starter.start(command, (started) => this.#join(started));
    if (asking === undefined) return undefined;
    this.#starting += 1;
    return asking.finally(() => {
      this.#starting -= 1;
    });
  }

  #join({ run, attached }: Started): void {
    const cursor = run.accepted ? run.log.cursor(0) : undefined;
    if (run.accepted && cursor === undefined) {
      throw resumeGap();
    }
    if (run.accepted) this.#sendResumed(run, 0);
    if (attached) this.#tellResumed(run, 0);
    this.#deliver(new Delivery(run, cursor, attached, this));
  }

  #resume(run: RunView | undefined, frame: ResumeFrame): Promise<void> | undefined {
    if (run?.accepted !== true) throw unknownStream();
    if (run.epoch !== frame.epoch) throw resumeGap();
    const reaching = run.reach(frame.after);
    if (reaching !== undefined) return reaching.then(() => this.#resumeBehind(run, frame));
    this.#resumeBehind(run, frame);
    return undefined;
  }

  #resumeBehind(run: RunView, { id, after }: ResumeFrame): void {
    const beyond = run.endingBeyond(after);
    if (beyond !== undefined) {
      this.#sendResumed(run, after);
      this.#sendWire(beyond.wire);
      return;
    }
    const cursor = run.log.cursor(after);
    if (cursor === undefined) {
      throw resumeGap();
    }
    if (!this.#deliveries.has(id) && run.ending === undefined) this.#admitOneMore();
    this.#sendResumed(run, after);
    this.#deliver(new Delivery(run, cursor, true, this));
    this.#tellResumed(run, after);
  }

  #cancel(run: RunView | undefined, { id }: CancelFrame): undefined {
    if (run === undefined) throw unknownStream();
    this.#parts.observer.cancelAsked({ ...this.#caller, userId: this.userId, streamId: id });
    run.abort('cancelled');
    if (this.#deliveries.has(id)) return undefined; // the ending arrives in its place, behind the last frames
    if (run.ending === undefined) this.#awaitEnding(run);
    else this.#sendWire(run.ending.wire);
    return undefined;
  }

  #awaitEnding(run: RunView): void {
    const waiter: EndingWaiter = new EndingWaiter(run, (ending) => {
      this.#waiters.delete(waiter);
      this.#parts.registry.leave(run, waiter);
      if (ending instanceof RelayError) this.#refuse(ending, { id: run.id, of: 'cancel' });
      else this.#sendWire(ending.wire);
    });
    if (this.#waiters === NO_WAITERS) this.#waiters = new Set();
    this.#waiters.add(waiter);
    this.#parts.registry.join(run, waiter);
    waiter.wake();
  }

  #ack({ id, seq }: AckFrame): undefined {
    const delivery = this.#deliveries.get(id);
    const run = delivery?.run ?? this.#parts.registry.find(this.userId, id);
    if (run === undefined) return this.#misplacedAck(unknownStream(), id);
    if (seq > run.log.head && run.endingBeyond(seq) === undefined) return this.#badAck(id);
    this.#acks = true;
    if (delivery?.ack(seq) !== true) return undefined;
    this.#stall.progress();
    this.#parts.scheduler.mark(this);
    return undefined;
  }

  /** Comes late from a good client now and then, or all the time from a bad one: it counts as a frame. */
  #misplacedAck(error: RelayError, id: string): undefined {
    this.#refuse(error, { id, of: 'ack' });
    if (!this.#rates.take(undefined)) this.close('tooManyFrames');
  }

  /** Nobody can hold what was never sent: as good as unreadable. */
  #badAck(id: string): undefined {
    const error = new RelayError('bad_request', 'seq: past the last frame of this stream');
    this.#refuse(error, { id, of: 'ack' });
    if (!this.#rates.takeUnreadable()) this.close('badFrames');
  }

  async #authenticate({ token }: AuthFrame): Promise<void> {
    try {
      const principal = await this.#parts.authenticator.verify(token);
      if (this.#closeReason !== undefined) return;
      if (principal.userId !== this.userId) return this.close('wrongUser');
      this.#principal = principal;
      this.#send({ type: 'authenticated', tokenExpiresAt: principal.expiresAt });
      this.#token.renew(principal.expiresAt);
    } catch (cause) {
      const error = RelayError.from(cause);
      const unavailable = error.code === 'unavailable';
      this.#refuse(
        unavailable
          ? new RelayError('internal', 'tokens cannot be checked now; try again', { cause })
          : error,
        {},
      );
    }
  }

  #admitOneMore(): void {
    let unended = this.#starting;
    for (const { run } of this.#deliveries.values()) if (run.ending === undefined) unended += 1;
    if (unended < this.#parts.limits.streams) return;
    throw new RelayError(
      'too_many_streams',
      `at most ${this.#parts.limits.streams} streams on a connection; wait for one to end`,
      { cause: 'streams_of_connection' },
    );
  }

  /** One cursor per stream and connection: a new one takes the place of the old. */
  #deliver(delivery: Delivery): void {
    const { run } = delivery;
    const before = this.#deliveries.get(run.id);
    if (this.#deliveries === NO_DELIVERIES) this.#deliveries = new Map();
    this.#deliveries.set(run.id, delivery);
    this.#parts.registry.join(run, delivery);
    if (before !== undefined) this.#drop(before);
    if (this.#detached) this.#stopDelivery(delivery);
    else if (run.accepted) delivery.wake();
  }

  #stopDelivery(delivery: Delivery): void {
    this.#deliveries.delete(delivery.run.id);
    this.#drop(delivery);
  }

  #drop(delivery: Delivery): void {
    this.#unackedBytes -= delivery.unackedBytes;
    this.#sendQueue.remove(delivery);
    this.#parts.registry.leave(delivery.run, delivery);
  }

  #detach(): void {
    this.#detached = true;
    this.#heartbeat.stop();
    this.#stall.stop();
    this.#token.stop();
    for (const delivery of this.#deliveries.values()) this.#drop(delivery);
    this.#deliveries.clear();
    for (const waiter of this.#waiters) this.#parts.registry.leave(waiter.run, waiter);
    this.#waiters.clear();
  }

  #sendResumed({ id, epoch, model, log, ending }: RunView, after: number): void {
    const state = ending === undefined ? 'live' : 'ended';
    this.#send({ type: 'resumed', id, epoch, after, head: Math.max(log.head, after), model, state });
  }

  #tellResumed(run: RunView, after: number): void {
    const { head } = run.log;
    this.#parts.observer.resumed({ ...run.identity(), ...this.#caller, after, head });
  }

  #refuse(error: RelayError, about: About): void {
    this.#send(errorFrame(error, about));
    this.#parts.observer.refused({
      ...this.#caller,
      userId: this.userId,
      streamId: about.id ?? null,
      of: about.of ?? 'frame',
      code: error.code,
      cause: error.cause,
    });
  }

  #send(frame: ServerFrame): void {
    this.#sendWire(encodeFrame(frame));
  }

  #sendWire(wire: ReturnType<typeof encodeFrame>): void {
    if (this.#detached) return;
    this.#sendQueue.answer(wire);
    this.#parts.scheduler.mark(this);
  }
}

function errorFrame(error: RelayError, { id, of }: About): ErrorFrame {
  const { code, message, retryable, retryAfterMs, quota } = error;
  return {
    type: 'error',
    ...(id === undefined ? {} : { id }),
    ...(of === undefined ? {} : { of }),
    code,
    message,
    retryable,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...quota,
  };
}
