/**
 * One client's connection: reads its frames, answers them, and follows streams on its behalf. It owns its rates, its
 * token and its followers; a stream never depends on it. Nothing is handled after it decided to close.
 */
import type { Authenticator, Principal } from '../auth/port.ts';
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
import type { Clock } from '../time/clock.ts';
import type { TimerWheel } from '../time/timer-wheel.ts';
import { EndingWaiter } from './ending-waiter.ts';
import type { Flushable, FlushScheduler } from './flush-scheduler.ts';
import { Follower, type FollowerOwner } from './follower.ts';
import { FrameBudget } from './frame-budget.ts';
import { Heartbeat, type HeartbeatOwner } from './heartbeat.ts';
import { Outbox, type OutboxOwner } from './outbox.ts';
import type { Caller, ConnectionEvents, ConnectionInfo, FrameSocket, Observer } from './port.ts';
import { resumeGap, unknownStream } from './refusals.ts';
import type { RemoteStreams } from './remote-streams.ts';
import { type StallOwner, StallWatch } from './stall-watch.ts';
import type { StreamRegistry } from './stream-registry.ts';
import type { Started, StreamStarter } from './stream-starter.ts';
import type { StreamView } from './stream-view.ts';
import { type TokenOwner, TokenWatch } from './token-watch.ts';

export interface ConnectionParts {
  readonly version: string;
  readonly authenticator: Authenticator;
  readonly starter: StreamStarter;
  readonly registry: StreamRegistry;
  /** Absent where this is the only machine. */
  readonly remotes: RemoteStreams | undefined;
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
const NO_FOLLOWERS: Map<string, Follower> = new Map();
const NO_WAITERS: Set<EndingWaiter> = new Set();
const NO_ASKING: Map<string, Promise<void>> = new Map();

type Owner = FollowerOwner & OutboxOwner & HeartbeatOwner & StallOwner & TokenOwner;

export class Connection implements ConnectionEvents, Owner, Flushable {
  marked = false;
  readonly #parts: ConnectionParts;
  readonly #socket: FrameSocket;
  readonly #connectionId: string;
  readonly #outbox: Outbox;
  #followers = NO_FOLLOWERS;
  #waiters = NO_WAITERS;
  /** By stream: frames that other machines are asked about, and those behind them. */
  #asking = NO_ASKING;
  readonly #budget: FrameBudget;
  readonly #heartbeat: Heartbeat;
  readonly #stall: StallWatch;
  readonly #token: TokenWatch;
  readonly #openedAt: number;
  readonly #onClosed: (connection: Connection) => void;
  #principal: Principal;
  /** Starts that other machines are asked about. */
  #starting = 0;
  #acks = false;
  /** Of all followers together. */
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
    this.#outbox = new Outbox(socket, this);
    this.#budget = new FrameBudget(limits, clock);
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
    if (!this.#isFree(parsed) && !this.#budget.take('frame' in parsed ? parsed.frame : undefined)) {
      this.close('tooManyFrames');
    } else if ('frame' in parsed) {
      this.#handle(parsed.frame);
    } else {
      this.#refuse(parsed.error, parsed);
      if (parsed.of === undefined && !this.#budget.forgive()) this.close('badFrames');
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
    return this.#outbox.waiting || this.unackedBytes > 0;
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
    this.#outbox.flush();
    if (this.#outbox.takesMore) this.#parts.scheduler.mark(this); // in the next turn: others have theirs first
    this.#stall.watch();
  }

  /** Sends what was answered already, then closes with that code. */
  close(reason: keyof typeof CLOSE_CODES): void {
    if (this.#closeReason !== undefined) return;
    this.#outbox.flush();
    this.#closeReason = reason;
    this.#detach();
    this.#socket.close(CLOSE_CODES[reason], reason);
  }

  /** Tells the client that this process is about to go. */
  goingAway(reconnectAfterMs: number, deadlineMs: number, resume: 'elsewhere' | 'here'): void {
    this.#send({ type: 'going_away', reconnectAfterMs, deadlineMs, resume });
  }

  followerAccepted(follower: Follower): void {
    if (follower.attached) this.#sendResumed(follower.stream, 0);
    else this.#send(follower.stream.acceptedFrame);
  }

  followerReady(follower: Follower): void {
    this.#outbox.ready(follower);
    this.#parts.scheduler.mark(this);
  }

  followerRefused(follower: Follower, error: RelayError): void {
    this.#followers.delete(follower.stream.id);
    this.#refuse(error, { id: follower.stream.id, of: 'start' });
  }

  followerOwes(bytes: number): void {
    this.#unackedBytes += bytes;
  }

  followerFinished(follower: Follower, how: 'ending' | 'gap'): void {
    this.#unfollow(follower);
    if (how === 'gap') {
      this.#refuse(resumeGap(), {
        id: follower.stream.id,
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
    return this.#followers.get(id)?.acknowledges(seq) === true;
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
      this.#parts.registry.find(this.userId, id)?.stop('cancelled');
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
    const { remotes } = this.#parts;
    const answer = (stream: StreamView | undefined): Promise<void> | undefined =>
      frame.type === 'cancel' ? this.#cancel(stream, frame) : this.#resume(stream, frame);
    if (here === undefined && remotes !== undefined) return remotes.find(this.userId, frame).then(answer);
    return answer(here);
  }

  #start({ type: _, id, ...request }: StartFrame): Promise<void> | undefined {
    // The issuer has withdrawn the key: a client that is still welcome comes back with a new token, and asks again.
    if (this.#parts.authenticator.withdrawn(this.#principal)) return void this.close('tokenExpired');
    const followed = id !== undefined && this.#followers.has(id);
    if (!followed) this.#admitOneMore();
    const command = { principal: this.#principal, id, request, caller: this.#caller };
    const asking = this.#parts.starter.start(command, (started) => this.#join(started));
    if (asking === undefined) return undefined;
    this.#starting += 1;
    return asking.finally(() => {
      this.#starting -= 1;
    });
  }

  #join({ stream, attached }: Started): void {
    const cursor = stream.accepted ? stream.log.cursor(0) : undefined;
    if (stream.accepted && cursor === undefined) {
      throw resumeGap();
    }
    if (stream.accepted) this.#sendResumed(stream, 0);
    if (attached) this.#tellResumed(stream, 0);
    this.#follow(new Follower(stream, cursor, attached, this));
  }

  #resume(stream: StreamView | undefined, frame: ResumeFrame): Promise<void> | undefined {
    if (stream?.accepted !== true) throw unknownStream();
    if (stream.epoch !== frame.epoch) throw resumeGap();
    const reaching = stream.reach(frame.after);
    if (reaching !== undefined) return reaching.then(() => this.#resumeBehind(stream, frame));
    this.#resumeBehind(stream, frame);
    return undefined;
  }

  #resumeBehind(stream: StreamView, { id, after }: ResumeFrame): void {
    const beyond = stream.endingBeyond(after);
    if (beyond !== undefined) {
      this.#sendResumed(stream, after);
      this.#sendWire(beyond.wire);
      return;
    }
    const cursor = stream.log.cursor(after);
    if (cursor === undefined) {
      throw resumeGap();
    }
    if (!this.#followers.has(id) && stream.ending === undefined) this.#admitOneMore();
    this.#sendResumed(stream, after);
    this.#follow(new Follower(stream, cursor, true, this));
    this.#tellResumed(stream, after);
  }

  #cancel(stream: StreamView | undefined, { id }: CancelFrame): undefined {
    if (stream === undefined) throw unknownStream();
    this.#parts.observer.cancelAsked({ ...this.#caller, userId: this.userId, streamId: id });
    stream.stop('cancelled');
    if (this.#followers.has(id)) return undefined; // the ending arrives in its place, behind the last frames
    if (stream.ending === undefined) this.#awaitEnding(stream);
    else this.#sendWire(stream.ending.wire);
    return undefined;
  }

  #awaitEnding(stream: StreamView): void {
    const waiter: EndingWaiter = new EndingWaiter(stream, (ending) => {
      this.#waiters.delete(waiter);
      this.#parts.registry.leave(stream, waiter);
      if (ending instanceof RelayError) this.#refuse(ending, { id: stream.id, of: 'cancel' });
      else this.#sendWire(ending.wire);
    });
    if (this.#waiters === NO_WAITERS) this.#waiters = new Set();
    this.#waiters.add(waiter);
    this.#parts.registry.join(stream, waiter);
    waiter.wake();
  }

  #ack({ id, seq }: AckFrame): undefined {
    const follower = this.#followers.get(id);
    const stream = follower?.stream ?? this.#parts.registry.find(this.userId, id);
    if (stream === undefined) return this.#misplacedAck(unknownStream(), id);
    if (seq > stream.log.head && stream.endingBeyond(seq) === undefined) return this.#badAck(id);
    this.#acks = true;
    if (follower?.ack(seq) !== true) return undefined;
    this.#stall.progress();
    this.#parts.scheduler.mark(this);
    return undefined;
  }

  /** Comes late from a good client now and then, or all the time from a bad one: it counts as a frame. */
  #misplacedAck(error: RelayError, id: string): undefined {
    this.#refuse(error, { id, of: 'ack' });
    if (!this.#budget.take(undefined)) this.close('tooManyFrames');
  }

  /** Nobody can hold what was never sent: as good as unreadable. */
  #badAck(id: string): undefined {
    const error = new RelayError('bad_request', 'seq: past the last frame of this stream');
    this.#refuse(error, { id, of: 'ack' });
    if (!this.#budget.forgive()) this.close('badFrames');
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
    for (const { stream } of this.#followers.values()) if (stream.ending === undefined) unended += 1;
    if (unended < this.#parts.limits.streams) return;
    throw new RelayError(
      'too_many_streams',
      `at most ${this.#parts.limits.streams} streams on a connection; wait for one to end`,
      { cause: 'streams_of_connection' },
    );
  }

  /** One cursor per stream and connection: a new one takes the place of the old. */
  #follow(follower: Follower): void {
    const { stream } = follower;
    const before = this.#followers.get(stream.id);
    if (this.#followers === NO_FOLLOWERS) this.#followers = new Map();
    this.#followers.set(stream.id, follower);
    this.#parts.registry.join(stream, follower);
    if (before !== undefined) this.#drop(before);
    if (this.#detached) this.#unfollow(follower);
    else if (stream.accepted) follower.wake();
  }

  #unfollow(follower: Follower): void {
    this.#followers.delete(follower.stream.id);
    this.#drop(follower);
  }

  #drop(follower: Follower): void {
    this.#unackedBytes -= follower.unackedBytes;
    this.#outbox.remove(follower);
    this.#parts.registry.leave(follower.stream, follower);
  }

  #detach(): void {
    this.#detached = true;
    this.#heartbeat.stop();
    this.#stall.stop();
    this.#token.stop();
    for (const follower of this.#followers.values()) this.#drop(follower);
    this.#followers.clear();
    for (const waiter of this.#waiters) this.#parts.registry.leave(waiter.stream, waiter);
    this.#waiters.clear();
  }

  #sendResumed({ id, epoch, model, log, ending }: StreamView, after: number): void {
    const state = ending === undefined ? 'live' : 'ended';
    this.#send({ type: 'resumed', id, epoch, after, head: Math.max(log.head, after), model, state });
  }

  #tellResumed(stream: StreamView, after: number): void {
    const { head } = stream.log;
    this.#parts.observer.resumed({ ...stream.identity(), ...this.#caller, after, head });
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
    this.#outbox.answer(wire);
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
