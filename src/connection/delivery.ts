/**
 * One connection's place in one stream: a cursor, what was acknowledged, and what is still owed (the `accepted`
 * answer, frames, the ending). It encodes frames; when and how many are written is the send queue's business.
 */

import type { EndingFrame } from '../protocol/frames.ts';
import type { RelayError } from '../protocol/relay-error.ts';
import type { WireText } from '../protocol/wire-text.ts';
import {
  chunkPrefix,
  encodeChunk,
  encodeEvent,
  encodeFrame,
  encodeThinking,
  eventPrefix,
} from '../protocol/wire-text.ts';
import { InterludePosition, type Moment } from '../run/interlude.ts';
import type { RunReader } from '../run/readers.ts';
import { resumeGap } from '../run/refusals.ts';
import { currentInterlude, type RunView } from '../run/run-view.ts';
import type { LogCursor } from '../stream-log/port.ts';

export interface DeliveryOwner {
  deliveryAccepted(delivery: Delivery): void;
  deliveryRefused(delivery: Delivery, error: RelayError): void;
}

/** Sends what a delivery has. */
export interface DeliveryQueue {
  /** It has something, and is not queued. */
  deliveryReady(delivery: Delivery): void;
  /** Its `unackedBytes` are more, or fewer, by that. */
  unackedChanged(bytes: number): void;
}

/** What comes next for a delivery; `undefined` where it has caught up. */
export type Next =
  | {
      readonly kind: 'frame';
      readonly type: 'chunk' | 'event' | 'thinking' | 'tool';
      /** Of the last delta sent. */
      readonly seq: number;
      readonly wire: WireText;
    }
  | {
      readonly kind: 'ending';
      readonly type: EndingFrame['type'];
      readonly seq: number;
      readonly wire: WireText;
    }
  | { readonly kind: 'gap' };

export class Delivery implements RunReader {
  readonly run: RunView;
  /** The run was there before this delivery asked for it: the answer is `resumed`, not `accepted`. */
  readonly attached: boolean;
  /** In its queue, which keeps this. */
  queued = false;
  /** Bytes of frames sent and not yet acknowledged; exact right after an ack, in proportion between two. */
  unackedBytes = 0;
  readonly #owner: DeliveryOwner;
  readonly #queue: DeliveryQueue;
  readonly #chunkPrefix: WireText;
  #cursor: LogCursor | undefined;
  /** Undefined where there is none, or text has come since. */
  #interlude: InterludePosition | undefined;
  #ackedSeq: number;

  /** `cursor` is undefined while the stream is opening. */
  constructor(
    run: RunView,
    cursor: LogCursor | undefined,
    attached: boolean,
    owner: DeliveryOwner,
    queue: DeliveryQueue,
  ) {
    this.run = run;
    this.attached = attached;
    this.#owner = owner;
    this.#queue = queue;
    this.#cursor = cursor;
    this.#interlude = currentInterlude(run);
    this.#ackedSeq = cursor?.seq ?? 0;
    this.#chunkPrefix = chunkPrefix(run.id);
  }

  /** Nothing is left to send for now, neither frames nor the ending. */
  get caughtUp(): boolean {
    const { log, ending } = this.run;
    return this.sentSeq === log.head && ending === undefined && (this.#interlude?.caughtUp ?? true);
  }

  /** Seq of the last delta sent. */
  get sentSeq(): number {
    return this.#cursor?.seq ?? 0;
  }

  /** Of another machine's run, what is known by now may have lost its beginning. */
  accepted(): void {
    this.#cursor = this.run.log.cursor(0);
    if (this.#cursor === undefined) this.#owner.deliveryRefused(this, resumeGap());
    else this.#owner.deliveryAccepted(this);
  }

  wake(): void {
    if (!this.queued) this.#queue.deliveryReady(this);
  }

  meanwhile(): void {
    const { interlude } = this.run;
    if (interlude !== undefined && this.#interlude?.interlude !== interlude)
      this.#interlude = InterludePosition.fromBeginning(interlude);
    this.wake();
  }

  refused(error: RelayError): void {
    this.#owner.deliveryRefused(this, error);
  }

  /** Reads at most about `maxBytes` of the log, or the ending once all of it is read. */
  next(maxBytes: number): Next | undefined {
    const moment = this.#interlude && this.#nextMoment(this.#interlude, maxBytes);
    if (moment !== undefined) return moment;
    const entry = this.#cursor?.next(maxBytes);
    if (entry === 'gap') return { kind: 'gap' };
    if (entry === undefined) return this.#ending();
    const { seq, count, json } = entry;
    const isText = entry.kind === 'text';
    const wire = isText
      ? encodeChunk(this.#chunkPrefix, seq, count, json)
      : encodeEvent(eventPrefix(this.run.id), seq, json);
    this.#owes(wire.length);
    return { kind: 'frame', type: isText ? 'chunk' : 'event', seq, wire };
  }

  /** An interlude has its place after the text that came before it; a reader that read on is not told any more. */
  #nextMoment(position: InterludePosition, maxBytes: number): Next | undefined {
    const { sentSeq: seq } = this;
    const { after } = position.interlude;
    if (seq > after) this.#interlude = undefined;
    const next = seq === after ? position.next(maxBytes) : undefined;
    return next && { kind: 'frame', type: next.kind, seq, wire: encodeMoment(this.run.id, next) };
  }

  #ending(): Next | undefined {
    const { ending } = this.run;
    if (ending === undefined) return undefined;
    const { type, seq } = ending;
    return { kind: 'ending', type, seq, wire: ending.wire };
  }

  /** Whether an ack of `seq` would say anything new of what was sent. */
  acknowledges(seq: number): boolean {
    return seq <= this.run.log.head && Math.min(seq, this.sentSeq) > this.#ackedSeq;
  }

  /** Returns whether the ack moved anything on. The same again, a lower one, or of what was not sent here: ignored. */
  ack(seq: number): boolean {
    const acked = Math.min(seq, this.sentSeq);
    if (acked <= this.#ackedSeq) return false;
    const outstanding = this.sentSeq - this.#ackedSeq;
    const left = this.sentSeq - acked;
    this.#owes(Math.round((this.unackedBytes * left) / outstanding) - this.unackedBytes);
    this.#ackedSeq = acked;
    return true;
  }

  #owes(bytes: number): void {
    this.unackedBytes += bytes;
    this.#queue.unackedChanged(bytes);
  }
}

function encodeMoment(id: string, moment: Moment): WireText {
  if (moment.kind === 'thinking') return encodeThinking(id, moment.json);
  return encodeFrame({ type: 'tool', id, ...moment.progress });
}
