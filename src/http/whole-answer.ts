/** The JSON door's half of a subscription: waits for the ending and keeps the text. */
import type { FastifyReply } from 'fastify';
import type { ChunkFrame, EndingFrame } from '../protocol/frames.ts';
import type { RelayError } from '../protocol/relay-error.ts';
import { fromWire, type WireText } from '../protocol/wire-text.ts';
import { resumeGap } from '../relay/refusals.ts';
import type { Subscription, SubscriptionSink } from '../relay/subscription.ts';

export interface WholeAnswer {
  readonly ending: EndingFrame;
  readonly content: string;
}

/**
 * Resolves with the run's text and ending. A caller that hangs up leaves the run to its `onDisconnect`.
 * @throws RelayError where the run was refused
 */
export async function wholeAnswer(
  reply: FastifyReply,
  subscribe: (sink: SubscriptionSink) => Promise<Subscription>,
): Promise<WholeAnswer> {
  const answer = new AnswerSink();
  const subscribing = subscribe(answer);
  reply.raw.on('close', () => {
    subscribing.then(
      (subscription) => subscription.close(),
      () => {}, // refused: there is nothing to close
    );
  });
  await subscribing;
  return await answer.whole;
}

class AnswerSink implements SubscriptionSink {
  readonly whole: Promise<WholeAnswer>;
  readonly bufferedBytes = 0;
  readonly #settle: { resolve(answer: WholeAnswer): void; reject(error: RelayError): void };
  #content = '';

  constructor() {
    const { promise, resolve, reject } = Promise.withResolvers<WholeAnswer>();
    this.whole = promise;
    this.#settle = { resolve, reject };
  }

  opened(): void {
    // The answer is one JSON object: nothing leaves before its end.
  }

  frame(type: 'chunk' | 'event', _seq: number, wire: WireText): void {
    if (type === 'chunk') this.#content += (JSON.parse(fromWire(wire)) as ChunkFrame).content;
  }

  flush(): void {
    // Likewise.
  }

  ended(ending: EndingFrame): void {
    this.#settle.resolve({ ending, content: this.#content });
  }

  failed(reason: RelayError | 'stalled'): void {
    this.#settle.reject(reason === 'stalled' ? resumeGap() : reason);
  }
}
