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
import { endingError } from '../error-response.ts';
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
   * Answers with the events of what `subscribe` reads; resolves once the head is written. Where the run ended as an error
   * before there was anything to write, it resolves with that error, and the answer is the caller's.
   * @throws RelayError where it was refused before: nothing is written then
   */
  async serve(
    reply: FastifyReply,
    subscribe: (sink: SubscriptionSink) => Promise<Subscription>,
    framing: EventFraming = new FrameEvents(),
  ): Promise<RelayError | undefined> {
    const events = new EventStream(reply, framing);
    let closed = false;
    const subscribing = subscribe(events);
    reply.request.endRevoked = (error) => {
      subscribing.then(
        (subscription) => subscription.close(), // before anything more is written
        () => {}, // refused: there is nothing to close
      );
      if (!reply.raw.writableEnded) events.failed(error); // else only the last of it is on its way
    };
    reply.raw.on('drain', async () => (await subscribing).drained());
    onClosed(reply, () => {
      closed = true;
      events.closed();
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
    if (!closed) this.#comment(events); // else it went while other machines were asked
    return await events.opening;
  }

  #comment(events: EventStream): void {
    this.#open.add(events);
    this.#interval ??= this.#clock.every(COMMENT_MS, () => {
      for (const each of this.#open) each.comment();
    });
  }
}

/** How the frames of one answer are written as server-sent events. */
export interface EventFraming {
  /** What goes ahead of all frames. Where that is nothing, the response's head waits for the first frame too. */
  opened(run: RunView, after: number, attached: boolean): string;
  frame(type: 'chunk' | 'event' | 'thinking' | 'tool', seq: number, wire: WireText): string;
  ended(frame: EndingFrame, wire: WireText): string;
  /** The run cannot be read on. */
  failed(error: RelayError): string;
  /** Whether a response is cut where the run ended as an error, so that nobody takes it for whole. */
  readonly cutsErrors: boolean;
  /** Of the response, beside those of every event stream. */
  readonly headers?: Readonly<Record<string, string>>;
  /** The last of the response was handed to the kernel. */
  left?(run: RunView | undefined): void;
}

/** Frames as they stand. */
class FrameEvents implements EventFraming {
  readonly cutsErrors = false;
  #id = '';
  #epoch = '';

  opened(run: RunView, after: number, attached: boolean): string {
    this.#id = run.id;
    this.#epoch = run.epoch;
    return attached
      ? this.#event('resumed', after, encodeFrame(resumedFrame(run, after)))
      : this.#event('accepted', 0, encodeFrame(run.acceptedFrame));
  }

  frame(type: 'chunk' | 'event' | 'thinking' | 'tool', seq: number, wire: WireText): string {
    return this.#event(type, seq, wire);
  }

  ended(frame: EndingFrame, wire: WireText): string {
    return this.#event(frame.type, frame.seq, wire);
  }

  /** Without an id of its own: whoever comes back does so from the last delta. */
  failed({ told }: RelayError): string {
    const frame = encodeFrame({ type: 'error', id: this.#id, of: 'resume', ...told });
    return `event: error\ndata: ${frame}\n\n`;
  }

  #event(event: string, seq: number, wire: WireText): string {
    return `event: ${event}\nid: ${this.#epoch}.${seq}\ndata: ${wire}\n\n`;
  }
}

class EventStream implements SubscriptionSink {
  /** Settles when the head is written, or the run has ended as an error before that; rejects where it was refused. */
  readonly opening: Promise<RelayError | undefined>;
  readonly #reply: FastifyReply;
  readonly #framing: EventFraming;
  readonly #settleOpening: PromiseWithResolvers<RelayError | undefined>;
  #isHeadWritten = false;
  #run: RunView | undefined;
  #gathered = '';

  constructor(reply: FastifyReply, framing: EventFraming) {
    this.#reply = reply;
    this.#framing = framing;
    this.#settleOpening = Promise.withResolvers();
    this.opening = this.#settleOpening.promise;
    this.opening.catch(() => {}); // who waits for it may still wait for something else
  }

  get bufferedBytes(): number {
    return this.#reply.raw.writableLength + this.#gathered.length;
  }

  opened(run: RunView, after: number, attached: boolean): void {
    this.#run = run;
    this.#gathered += this.#framing.opened(run, after, attached);
    this.flush();
  }

  frame(type: 'chunk' | 'event' | 'thinking' | 'tool', seq: number, wire: WireText): void {
    this.#gathered += this.#framing.frame(type, seq, wire);
  }

  flush(): void {
    if (this.#gathered !== '') this.#write();
  }

  ended(frame: EndingFrame, wire: WireText): void {
    const isError = frame.type === 'error';
    if (isError && !this.#isBegun) {
      this.#settleOpening.resolve(endingError(frame));
      return;
    }
    this.#gathered += this.#framing.ended(frame, wire);
    if (isError && this.#framing.cutsErrors) this.#write(() => this.#reply.raw.destroy());
    else
      this.#end(() => {
        this.#run?.endingRead();
        this.#framing.left?.(this.#run);
      });
  }

  failed(reason: RelayError | 'stalled'): void {
    if (reason === 'stalled') {
      this.#reply.raw.destroy();
    } else if (this.#isBegun) {
      this.#gathered += this.#framing.failed(reason);
      this.#end();
    } else {
      this.#settleOpening.reject(reason);
    }
  }

  comment(): void {
    if (this.#reply.raw.writableEnded) return; // its reader has not taken the last of it yet
    this.#gathered += ':\n\n';
    this.flush();
  }

  /** The caller is gone: nobody is answered any more. */
  closed(): void {
    if (this.#isHeadWritten) return;
    this.#reply.hijack();
    this.#settleOpening.resolve(undefined);
  }

  get #isBegun(): boolean {
    return this.#isHeadWritten || this.#gathered !== '';
  }

  /** @param finished called once all of it has left */
  #end(finished?: () => void): void {
    this.flush();
    this.#reply.raw.end(finished);
  }

  #write(written?: () => void): void {
    const text = this.#gathered;
    this.#gathered = '';
    this.#writeHead();
    this.#reply.raw.write(text, 'latin1', written);
  }

  #writeHead(): void {
    if (this.#isHeadWritten) return;
    this.#isHeadWritten = true;
    this.#reply.hijack();
    this.#reply.raw.writeHead(200, {
      ...(this.#reply.getHeaders() as OutgoingHttpHeaders),
      'content-type': 'text/event-stream; charset=utf-8',
      'x-accel-buffering': 'no', // nginx would hold the first words back
      ...this.#framing.headers,
    });
    this.#settleOpening.resolve(undefined);
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
