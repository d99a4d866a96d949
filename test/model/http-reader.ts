/** A caller by HTTP that reads one stream: what a device is for WebSockets. It believes no frame either. */
import type { ChunkFrame, EndingFrame, ServerFrame } from '../../src/protocol/frames.ts';
import { RelayError } from '../../src/protocol/relay-error.ts';
import { fromWire, type WireText } from '../../src/protocol/wire-text.ts';
import type { Subscription, SubscriptionSink } from '../../src/relay/subscription.ts';
import type { RunView } from '../../src/run/run-view.ts';
import { principal } from '../support/core.ts';
import { noteActivity } from '../support/quiet.ts';
import type { Process } from './machine.ts';

const CALLER = { door: 'sse', requestId: 'request', connectionId: null } as const;
/** Of its token, Unix ms: long after every history. */
const EXPIRES_AT = Date.UTC(2027, 0);

export class HttpReader implements SubscriptionSink {
  readonly userId: string;
  readonly id: string;
  readonly process: Process;
  readonly bufferedBytes = 0;
  /** Of the run that it asked for, then of the one that it reads. */
  epoch: string | undefined;
  #isOpen = false;
  /** From where it reads. */
  after = 0;
  seq = 0;
  text = '';
  ending: EndingFrame | undefined;
  /** Why it reads no more, or never did. */
  failure: string | undefined;
  #subscription: Subscription | undefined;
  #isGone = false;

  constructor(userId: string, id: string, process: Process) {
    this.userId = userId;
    this.id = id;
    this.process = process;
  }

  /** It has its answer. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Nothing more is to come. */
  get isOver(): boolean {
    return this.#isGone || this.ending !== undefined || this.failure !== undefined;
  }

  /** `POST /v1/chat`: starts it, or attaches to it. */
  ask(model: string): void {
    const { userId, id } = this;
    const request = { action: 'chat', messages: [{ role: 'user', content: 'hi' } as const], model };
    const command = { principal: principal(userId, EXPIRES_AT), id, request, caller: CALLER };
    this.#open(this.process.core.relay.start(command, this));
  }

  /** `GET /v1/streams/:id`. */
  resume(after: number, epoch: string | undefined): void {
    const { userId, id } = this;
    this.epoch = epoch;
    this.#open(this.process.core.relay.resume({ userId, id, epoch, after, caller: CALLER }, this));
  }

  /** The caller is gone. */
  hangUp(): void {
    this.#isGone = true;
    this.#subscription?.close();
  }

  opened({ epoch }: RunView, after: number): void {
    noteActivity();
    if (this.#isOpen) this.#refuse('opened twice');
    this.#isOpen = true;
    this.epoch = epoch;
    this.after = after;
    this.seq = after;
  }

  frame(type: 'chunk' | 'event' | 'thinking' | 'tool', _seq: number, wire: WireText): void {
    noteActivity();
    const frame = JSON.parse(fromWire(wire)) as ServerFrame;
    if (this.isOver || !this.#isOpen) this.#refuse('a frame where there may be none');
    else if (type !== 'chunk' || frame.type !== 'chunk') this.#refuse(`a frame of type ${type}`);
    else if (frame.seq - (frame.count ?? 1) !== this.seq) this.#refuse(`a gap after ${this.seq}`);
    else this.#take(frame);
  }

  ended(frame: EndingFrame): void {
    noteActivity();
    if (this.isOver) this.#refuse('an ending after the end');
    else if (frame.seq !== this.seq) this.#refuse(`an ending after ${this.seq}`);
    this.ending = frame;
  }

  failed(reason: RelayError | 'stalled'): void {
    noteActivity();
    this.failure ??= reason === 'stalled' ? reason : reason.code;
  }

  flush(): void {
    noteActivity();
  }

  #open(opening: Promise<Subscription>): void {
    opening.then(
      (subscription) => {
        this.#subscription = subscription;
        if (this.#isGone) subscription.close();
      },
      (cause: unknown) => this.failed(RelayError.from(cause)),
    );
  }

  #take({ seq, content }: ChunkFrame): void {
    this.seq = seq;
    this.text += content;
  }

  #refuse(what: string): void {
    this.failure = `broken: ${what}`;
  }
}
