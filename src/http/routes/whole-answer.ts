/**
 * A JSON answer's half of a subscription: waits for the ending and keeps the text. All who wait for one stream wait for
 * one reading of it, which is there as long as any of them.
 */
import type { FastifyReply } from 'fastify';
import type { ChunkFrame, EndingFrame } from '../../protocol/frames.ts';
import type { RelayError } from '../../protocol/relay-error.ts';
import { decodeFrame, type WireText } from '../../protocol/wire-text.ts';
import type { Subscription, SubscriptionSink } from '../../relay/subscription.ts';
import { resumeGap } from '../../run/refusals.ts';
import type { RunView } from '../../run/run-view.ts';
import { onClosed } from './on-closed.ts';

/** The same object for all who waited for it. */
export interface WholeAnswer {
  readonly ending: EndingFrame;
  readonly content: string;
}

/**
 * Resolves with the run's text and ending. A caller that hangs up leaves the run to its `onDisconnect`.
 * @throws RelayError where the run was refused, or the caller's token is revoked
 */
export async function wholeAnswer(
  reply: FastifyReply,
  subscribe: (sink: SubscriptionSink) => Promise<Subscription>,
): Promise<WholeAnswer> {
  const waiter = new Waiter();
  const revoked = Promise.withResolvers<never>();
  reply.request.endRevoked = revoked.reject;
  return await Promise.race([answerTo(waiter, reply, subscribe), revoked.promise]);
}

async function answerTo(
  waiter: Waiter,
  reply: FastifyReply,
  subscribe: (sink: SubscriptionSink) => Promise<Subscription>,
): Promise<WholeAnswer> {
  const subscribing = subscribe(waiter);
  onClosed(reply, () => {
    subscribing.then(
      () => waiter.leave(),
      () => {}, // refused: there is nothing to leave
    );
  });
  waiter.reads(await subscribing);
  const answer = await waiter.whole;
  reply.raw.once('finish', () => waiter.took());
  return answer;
}

/** Of streams that are being read for somebody who waits. */
const readings = new WeakMap<RunView, Reading>();

/** What is read of one stream, for all who wait for it. It goes on while anybody does, also without who was first. */
class Reading {
  readonly leader: Waiter;
  readonly whole: Promise<WholeAnswer>;
  readonly #stream: RunView;
  readonly #settle: PromiseWithResolvers<WholeAnswer>;
  readonly #waiting = new Set<Waiter>();
  #content = '';

  constructor(run: RunView, leader: Waiter) {
    this.#stream = run;
    this.leader = leader;
    this.#settle = Promise.withResolvers();
    this.whole = this.#settle.promise;
    this.whole.catch(() => {}); // whoever waits is told; it may be nobody any more
  }

  join(waiter: Waiter): void {
    this.#waiting.add(waiter);
  }

  leave(waiter: Waiter): void {
    this.#waiting.delete(waiter);
    if (this.#waiting.size > 0) return;
    readings.delete(this.#stream);
    this.leader.stop();
  }

  add(text: string): void {
    this.#content += text;
  }

  ended(ending: EndingFrame): void {
    readings.delete(this.#stream);
    this.#settle.resolve({ ending, content: this.#content });
  }

  failed(error: RelayError): void {
    readings.delete(this.#stream);
    this.#settle.reject(error);
  }
}

/** One caller. The first of a stream reads it for all, and the others' own reading ends as soon as it has begun. */
class Waiter implements SubscriptionSink {
  readonly whole: Promise<WholeAnswer>;
  readonly bufferedBytes = 0;
  readonly #settle: PromiseWithResolvers<WholeAnswer>;
  #subscription: Subscription | undefined;
  #reading: Reading | undefined;
  #run: RunView | undefined;

  constructor() {
    this.#settle = Promise.withResolvers();
    this.whole = this.#settle.promise;
  }

  /** What `opened` may have come before. */
  reads(subscription: Subscription): void {
    this.#subscription = subscription;
    this.#close();
  }

  /** The answer has left as a whole. */
  took(): void {
    this.#run?.endingRead();
  }

  leave(): void {
    if (this.#reading === undefined) this.#subscription?.close();
    else this.#reading.leave(this);
  }

  opened(run: RunView): void {
    this.#run = run;
    const reading = readings.get(run) ?? new Reading(run, this);
    readings.set(run, reading);
    this.#reading = reading;
    reading.join(this);
    this.#settle.resolve(reading.whole);
    this.#close();
  }

  frame(type: 'chunk' | 'event' | 'thinking' | 'tool', _seq: number, wire: WireText): void {
    if (type === 'chunk' && this.#leads) this.#reading?.add(decodeFrame<ChunkFrame>(wire).content);
  }

  flush(): void {
    // The answer is one JSON object: nothing leaves before its end.
  }

  ended(ending: EndingFrame): void {
    if (this.#leads) this.#reading?.ended(ending);
  }

  failed(reason: RelayError | 'stalled'): void {
    const error = reason === 'stalled' ? resumeGap() : reason;
    if (this.#reading === undefined) this.#settle.reject(error);
    else if (this.#leads) this.#reading.failed(error);
  }

  /** Ends this waiter's own reading of the stream. */
  stop(): void {
    this.#subscription?.close();
  }

  get #leads(): boolean {
    return this.#reading?.leader === this;
  }

  #close(): void {
    if (this.#reading !== undefined && !this.#leads) this.stop();
  }
}
