/**
 * A request of the SDK that is no stream: made by the SDK, with the key where it belongs, and read here, bounded in bytes and
 * time, since a gateway may stand where the API should.
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { Clock } from '../time/clock.ts';
import { BoundedBody, type Sender, type SenderInit, transportRequest } from './sdk-fetch.ts';
import type { Exchange, ExchangeListener, Transport } from './transport/transport.ts';

export interface PlainAnswer {
  /** 0 where none came. */
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** What came of the body. */
  readonly text: string;
  /** Whether that is all of it. */
  readonly isWhole: boolean;
}

export interface PlainRequestParts {
  readonly transport: Transport;
  readonly clock: Clock;
  /** Of the body; the rest is not waited for. */
  readonly maxBytes: number;
  /** Until what has come is the answer, ms. */
  readonly timeoutMs: number;
  /** Aborted, it is given up at once, and what has come is the answer. */
  readonly signal?: AbortSignal | undefined;
}

/** @param send makes the request with the SDK, by these options. Never rejects. */
export async function plainRequest(
  { transport, clock, maxBytes, timeoutMs, signal }: PlainRequestParts,
  send: (fetchOptions: SenderInit) => Promise<unknown>,
): Promise<PlainAnswer> {
  const reader = new PlainReader(transport, maxBytes);
  const giveUp = () => reader.giveUp();
  const deadline = clock.after(timeoutMs, giveUp);
  signal?.addEventListener('abort', giveUp);
  send({ sender: reader }).catch(giveUp);
  const answer = await reader.answer;
  signal?.removeEventListener('abort', giveUp);
  deadline.cancel();
  return answer;
}

/** Undefined where it is no JSON. */
export function parsedBody(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

class PlainReader implements Sender, ExchangeListener {
  readonly #transport: Transport;
  readonly #answer = Promise.withResolvers<PlainAnswer>();
  readonly #body: BoundedBody;
  #exchange: Exchange | undefined;
  #status = 0;
  #headers: IncomingHttpHeaders = {};
  #isWhole = false;
  #givenUp = false;

  constructor(transport: Transport, maxBytes: number) {
    this.#transport = transport;
    this.#body = new BoundedBody(maxBytes);
    void this.#body.text.then((text) =>
      this.#answer.resolve({
        status: this.#status,
        headers: this.#headers,
        text,
        isWhole: this.#isWhole,
      }),
    );
  }

  get answer(): Promise<PlainAnswer> {
    return this.#answer.promise;
  }

  async fetch(url: string, init: RequestInit): Promise<never> {
    if (this.#givenUp) throw new Error('given up');
    this.#exchange = this.#transport.send(transportRequest(url, init), this);
    await this.#answer.promise;
    throw new Error('the answer has been read');
  }

  giveUp(): void {
    this.#givenUp = true;
    this.#exchange?.cancel();
    this.#body.end();
  }

  sent(): void {
    // Nothing waits for it.
  }

  flushed(): void {
    // Nor for that.
  }

  response(status: number, headers: IncomingHttpHeaders): void {
    this.#status = status;
    this.#headers = headers;
  }

  data(bytes: Buffer): void {
    if (!this.#body.push(bytes)) this.giveUp();
  }

  ended(): void {
    this.#isWhole = true;
  }

  failed(): void {
    // `closed` follows.
  }

  closed(): void {
    this.#body.end();
  }
}
