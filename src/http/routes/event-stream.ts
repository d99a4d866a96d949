/** An event stream's half of a subscription: frames as server-sent events on one response. */
import type { OutgoingHttpHeaders } from 'node:http';
import type { FastifyReply } from 'fastify';
import type { EndingFrame } from '../../protocol/frames.ts';
import { RelayError } from '../../protocol/relay-error.ts';
import type { WireText } from '../../protocol/wire-text.ts';
import { encodeFrame } from '../../protocol/wire-text.ts';
import type { Subscription, SubscriptionSink } from '../../relay/subscription.ts';
import { type RunView, resumedFrame } from '../../run/run-view.ts';
import type { Clock, Timer } from '../../time/clock.ts';
import { onClosed } from './on-closed.ts';

/** Between two comments that keep proxies from closing a silent response, ms. */
const COMMENT_MS = 15_000;

/** One interval for the comments of all open event streams. */
export class EventStreams {
  readonly #clock: Clock;
  readonly #open = new Set<EventStream>();
  #interval: Timer | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Answers with the events of what `subscribe` reads; resolves once the head is written.
   * @throws RelayError where it was refused before: nothing is written then
   */
  async serve(
    reply: FastifyReply,
    subscribe: (sink: SubscriptionSink) => Promise<Subscription>,
  ): Promise<void> {
    const events = new EventStream(reply);
    let closed = false;
    const subscribing = subscribe(events);
    reply.raw.on('drain', async () => (await subscribing).drained());
    onClosed(reply, () => {
      closed = true;
      subscribing.then(
        (subscription) => subscription.close(),
        () => {}, // refused: there is nothing to close
      );
      this.#open.delete(events);
      if (this.#open.size > 0) return;
      this.#interval?.cancel();
      this.#interval = undefined;
    });
    await subscribing;
    await events.opening;
    if (closed) return; // while other machines were asked
    this.#open.add(events);
    this.#interval ??= this.#clock.every(COMMENT_MS, () => {
      for (const each of this.#open) each.comment();
    });
  }
}

class EventStream implements SubscriptionSink {
  /** Resolves when the head is written, rejects where the run was refused before. */
  readonly opening: Promise<void>;
  readonly #reply: FastifyReply;
  readonly #settleOpening: { resolve(): void; reject(error: RelayError): void };
  #epoch: string | undefined;
  #gathered = '';

  constructor(reply: FastifyReply) {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#reply = reply;
    this.opening = promise;
    this.#settleOpening = { resolve, reject };
  }

  get bufferedBytes(): number {
    return this.#reply.raw.writableLength + this.#gathered.length;
  }

  opened(run: RunView, after: number, attached: boolean): void {
    this.#epoch = run.epoch;
    this.#reply.hijack();
    this.#reply.raw.writeHead(200, {
      ...(this.#reply.getHeaders() as OutgoingHttpHeaders),
      'content-type': 'text/event-stream; charset=utf-8',
      'x-accel-buffering': 'no', // nginx would hold the first words back
    });
    if (attached) this.#gather('resumed', after, encodeFrame(resumedFrame(run, after)));
    else this.#gather('accepted', 0, encodeFrame(run.acceptedFrame));
    this.flush();
    this.#settleOpening.resolve();
  }

  frame(type: 'chunk' | 'event' | 'thinking', seq: number, wire: WireText): void {
    this.#gather(type, seq, wire);
  }

  flush(): void {
    if (this.#gathered === '') return;
    const text = this.#gathered;
    this.#gathered = '';
    this.#reply.raw.write(text, 'latin1');
  }

  ended(frame: EndingFrame, wire: WireText): void {
    this.#gather(frame.type, frame.seq, wire);
    this.flush();
    this.#reply.raw.end();
  }

  failed(reason: RelayError | 'stalled'): void {
    if (reason === 'stalled') {
      this.#reply.raw.destroy();
    } else if (this.#epoch === undefined) {
      this.#settleOpening.reject(reason);
    } else {
      const { code, message, retryable } = reason;
      this.#gathered += `event: error\ndata: ${encodeFrame({ type: 'error', of: 'resume', code, message, retryable })}\n\n`;
      this.flush();
      this.#reply.raw.end();
    }
  }

  comment(): void {
    if (this.#reply.raw.writableEnded) return; // its reader has not taken the last of it yet
    this.#reply.raw.write(':\n\n');
  }

  #gather(event: string, seq: number, wire: WireText): void {
    this.#gathered += `event: ${event}\nid: ${this.#epoch}.${seq}\ndata: ${wire}\n\n`;
  }
}

/**
 * Reads `Last-Event-ID`, which is `<epoch>.<seq>`; without one a stream is read from its beginning.
 * @throws RelayError bad_request
 */
export function positionOf(lastEventId: string | undefined): { epoch: string | undefined; after: number } {
  if (lastEventId === undefined) return { epoch: undefined, after: 0 };
  const [, epoch, seq] = /^([A-Za-z0-9_-]{8,32})\.(\d{1,15})$/.exec(lastEventId) ?? [];
  if (epoch === undefined || seq === undefined) {
    throw new RelayError('bad_request', 'Last-Event-ID: the id of the last event received, or leave it out');
  }
  return { epoch, after: Number(seq) };
}
