/**
 * What a connection's client asks of streams (start, resume, cancel, ack), in the order in which it asks of each, and
 * the deliveries that come of it: one cursor per stream.
 */
import type { Authenticator, Principal } from '../auth/port.ts';
import type { Caller, Observer } from '../observability/port.ts';
import type { CLOSE_CODES } from '../protocol/codes.ts';
import type {
  AckFrame,
  CancelFrame,
  ErrorFrame,
  HelloFrame,
  ResumeFrame,
  ServerFrame,
  StartFrame,
} from '../protocol/frames.ts';
import { RelayError } from '../protocol/relay-error.ts';
import type { WireText } from '../protocol/wire-text.ts';
import type { Ending } from '../run/ending.ts';
import { EndingWaiter } from '../run/readers.ts';
import { resumeGap, unknownStream } from '../run/refusals.ts';
import type { RunRegistry } from '../run/registry.ts';
import type { RunFinder } from '../run/run-finder.ts';
import { observeResumed, type RunView, resumedFrame } from '../run/run-view.ts';
import type { RunStarter, Started } from '../run/starter.ts';
import { Delivery, type DeliveryOwner } from './delivery.ts';
import type { SendQueue } from './send-queue.ts';

export interface CommandParts {
  readonly authenticator: Authenticator;
  readonly starter: RunStarter;
  readonly registry: RunRegistry;
  readonly finder: RunFinder;
  readonly observer: Observer;
  readonly limits: HelloFrame['limits'];
}

/** Which stream and which client frame an error is about, as far as that is known. */
export interface About {
  readonly id?: string;
  /** No stream has that id, and no log is to name it. */
  readonly isMadeUp?: true;
  readonly of?: NonNullable<ErrorFrame['of']>;
}

export interface CommandsOwner {
  readonly principal: Principal;
  readonly caller: Caller;
  readonly traceparent: string | undefined;
  send(frame: ServerFrame): void;
  sendWire(wire: WireText): void;
  /** An ending leaves in this turn, whose run may want to know whether it is read. */
  sendingEnding(run: RunView): void;
  /** Answers with an error, and tells the observer. */
  refuse(error: RelayError, about: About): void;
  /** Counts a frame that was taken for free; too many end the connection. */
  countFrame(): void;
  /** Counts a frame as good as unreadable; too many end the connection. */
  countUnreadable(): void;
  close(reason: keyof typeof CLOSE_CODES): void;
}

export type StreamFrame = StartFrame | CancelFrame | ResumeFrame | AckFrame;

/** What most have all their life: the first entry brings a table of its own. */
const NO_WAITERS: Set<EndingWaiter> = new Set();
const NOTHING_ASKED: Map<string, Promise<void>> = new Map();

export class StreamCommands implements DeliveryOwner {
  readonly #owner: CommandsOwner;
  readonly #sendQueue: SendQueue;
  readonly #parts: CommandParts;
  readonly #deliveries = new Map<string, Delivery>();
  #waiters = NO_WAITERS;
  /** By stream: frames that other machines are asked about, and those after them. */
  #asking = NOTHING_ASKED;
  /** Starts that other machines are asked about. */
  #starting = 0;
  #detached = false;

  constructor(owner: CommandsOwner, sendQueue: SendQueue, parts: CommandParts) {
    this.#owner = owner;
    this.#sendQueue = sendQueue;
    this.#parts = parts;
  }

  get #userId(): string {
    return this.#owner.principal.userId;
  }

  /** Whether the ack says anything new of what was sent. */
  acknowledges({ id, seq }: AckFrame): boolean {
    return this.#deliveries.get(id)?.acknowledges(seq) === true;
  }

  /** Frames about one stream are handled in their order, also where other machines are asked. */
  handle(frame: StreamFrame): void {
    const { id = '' } = frame;
    const before = this.#asking.get(id);
    // Its answer comes in order; what it costs does not wait for what is asked before it.
    if (frame.type === 'cancel' && before !== undefined)
      this.#parts.registry.find(this.#userId, id)?.abort('cancelled');
    const asking = before === undefined ? this.#attempt(frame) : before.then(() => this.#attempt(frame));
    if (asking === undefined) return;
    const answered = asking.then(() => {
      if (this.#asking.get(id) === answered) this.#asking.delete(id);
    });
    if (this.#asking === NOTHING_ASKED) this.#asking = new Map();
    this.#asking.set(id, answered);
  }

  /** The connection is gone, or going: nothing is read for it any more. */
  detach(): void {
    this.#detached = true;
    for (const delivery of this.#deliveries.values()) this.#drop(delivery);
    this.#deliveries.clear();
    for (const waiter of this.#waiters) this.#parts.registry.leave(waiter.run, waiter);
    this.#waiters.clear();
  }

  deliveryAccepted(delivery: Delivery): void {
    this.#owner.send(delivery.attached ? resumedFrame(delivery.run, 0) : delivery.run.acceptedFrame);
  }

  deliveryRefused(delivery: Delivery, error: RelayError): void {
    this.#stopDelivery(delivery);
    this.#owner.refuse(error, { id: delivery.run.id, of: 'start' });
  }

  deliveryFinished(delivery: Delivery, how: 'ending' | 'gap'): void {
    this.#stopDelivery(delivery);
    if (how === 'gap') this.#owner.refuse(resumeGap(), { id: delivery.run.id, of: 'resume' });
  }

  /** Done when it returns, unless other machines are asked. Never throws or rejects. */
  #attempt(frame: StreamFrame): Promise<void> | undefined {
    if (this.#detached && frame.type !== 'cancel') return undefined; // what costs money is stopped all the same
    const refuse = (error: unknown): void => {
      const { id, type: of } = frame;
      this.#owner.refuse(RelayError.from(error), id === undefined ? { of } : { id, of });
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
    const answer = (run: RunView | undefined): Promise<void> | undefined =>
      frame.type === 'cancel' ? this.#cancel(run, frame) : this.#resume(run, frame);
    const found = this.#parts.finder.find(this.#userId, frame);
    return found instanceof Promise ? found.then(answer) : answer(found);
  }

  #start({ type: _, id, fresh, ...request }: StartFrame): Promise<void> | undefined {
    const { authenticator } = this.#parts;
    const { caller, traceparent } = this.#owner;
    // The issuer has withdrawn the key: a client that is still welcome comes back with a new token, and asks again.
    if (authenticator.withdrawn(this.#owner.principal)) return void this.#owner.close('tokenExpired');
    const principal = authenticator.current(this.#owner.principal);
    const isFollowed = id !== undefined && this.#deliveries.has(id);
    if (!isFollowed) this.#admitOneMore();
    const command = { principal, id, isFresh: fresh === true, request, caller, traceparent };
    const asking = this.#parts.starter.start(command, (started) => this.#join(started));
    if (asking === undefined) return undefined;
    this.#starting += 1;
    return asking.finally(() => {
      this.#starting -= 1;
    });
  }

  #join({ run, attached }: Started): void {
    const cursor = run.accepted ? run.log.cursor(0) : undefined;
    if (run.accepted && cursor === undefined) throw resumeGap();
    if (run.accepted) this.#owner.send(resumedFrame(run, 0));
    if (attached) this.#observeResumed(run, 0);
    this.#deliver(new Delivery(run, cursor, attached, this, this.#sendQueue));
  }

  #resume(run: RunView | undefined, frame: ResumeFrame): Promise<void> | undefined {
    const beginning = run?.begun();
    return beginning === undefined
      ? this.#resumeBegun(run, frame)
      : beginning.then(() => this.#resumeBegun(run, frame));
  }

  #resumeBegun(run: RunView | undefined, frame: ResumeFrame): Promise<void> | undefined {
    if (run?.accepted !== true) throw unknownStream();
    if (frame.epoch !== undefined && frame.epoch !== run.epoch) throw resumeGap();
    const reaching = run.reach(frame.after);
    if (reaching !== undefined) return reaching.then(() => this.#resumeAfter(run, frame));
    this.#resumeAfter(run, frame);
    return undefined;
  }

  #resumeAfter(run: RunView, { id, after }: ResumeFrame): void {
    const beyond = run.endingBeyond(after);
    if (beyond !== undefined) {
      this.#owner.send(resumedFrame(run, after));
      this.#sendEnding(run, beyond);
      return;
    }
    const cursor = run.log.cursor(after);
    if (cursor === undefined) throw resumeGap();
    if (!this.#deliveries.has(id) && run.ending === undefined) this.#admitOneMore();
    this.#owner.send(resumedFrame(run, after));
    this.#deliver(new Delivery(run, cursor, true, this, this.#sendQueue));
    this.#observeResumed(run, after);
  }

  #cancel(run: RunView | undefined, { id }: CancelFrame): undefined {
    if (run === undefined) throw unknownStream();
    this.#parts.observer.cancelAsked({ ...this.#owner.caller, userId: this.#userId, streamId: id });
    run.abort('cancelled');
    if (this.#detached) return undefined; // nobody is told
    if (this.#deliveries.has(id)) return undefined; // the ending arrives in its place, after the last frames
    if (run.ending === undefined) this.#awaitEnding(run);
    else this.#sendEnding(run, run.ending);
    return undefined;
  }

  #awaitEnding(run: RunView): void {
    const waiter: EndingWaiter = new EndingWaiter(run, (ending) => {
      this.#waiters.delete(waiter);
      this.#parts.registry.leave(run, waiter);
      if (ending instanceof RelayError) this.#owner.refuse(ending, { id: run.id, of: 'cancel' });
      else this.#sendEnding(run, ending);
    });
    if (this.#waiters === NO_WAITERS) this.#waiters = new Set();
    this.#waiters.add(waiter);
    this.#parts.registry.join(run, waiter);
    waiter.wake();
  }

  /** It leaves at the end of this turn. */
  #sendEnding(run: RunView, ending: Ending): void {
    this.#owner.sendWire(ending.wire);
    this.#owner.sendingEnding(run);
  }

  #ack({ id, seq }: AckFrame): undefined {
    const delivery = this.#deliveries.get(id);
    const run = delivery?.run ?? this.#parts.registry.find(this.#userId, id);
    if (run === undefined) return this.#misplacedAck(id);
    if (seq > run.log.head && run.endingBeyond(seq) === undefined) return this.#badAck(id);
    this.#sendQueue.acknowledged(delivery?.ack(seq) === true);
    return undefined;
  }

  /** Comes late from a good client now and then, or all the time from a bad one: it counts as a frame. */
  #misplacedAck(id: string): undefined {
    this.#owner.refuse(unknownStream(), { id, of: 'ack' });
    this.#owner.countFrame();
  }

  /** Nobody can hold what was never sent: as good as unreadable. */
  #badAck(id: string): undefined {
    const error = new RelayError('bad_request', 'seq: past the last frame of this stream');
    this.#owner.refuse(error, { id, of: 'ack' });
    this.#owner.countUnreadable();
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
    this.#deliveries.set(run.id, delivery);
    this.#stopWaiting(run.id);
    this.#parts.registry.join(run, delivery);
    if (before !== undefined) this.#drop(before);
    if (this.#detached) this.#stopDelivery(delivery);
    else if (run.accepted) delivery.wake();
  }

  /** It is read now: its ending arrives in its place, after the last frames. */
  #stopWaiting(id: string): void {
    for (const waiter of this.#waiters) {
      if (waiter.run.id !== id) continue;
      this.#waiters.delete(waiter);
      this.#parts.registry.leave(waiter.run, waiter);
    }
  }

  #stopDelivery(delivery: Delivery): void {
    this.#deliveries.delete(delivery.run.id);
    this.#drop(delivery);
  }

  #drop(delivery: Delivery): void {
    this.#sendQueue.remove(delivery);
    this.#parts.registry.leave(delivery.run, delivery);
  }

  #observeResumed(run: RunView, after: number): void {
    observeResumed(this.#parts.observer, run, after, this.#owner.caller);
  }
}
