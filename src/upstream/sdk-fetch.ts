/** Our `fetch` in the hands of the SDK: its request as one of our transport, and what it is given back. */

import type { IncomingHttpHeaders } from 'node:http';
import type { TransportRequest } from './transport/transport.ts';

/** Sends what the SDK has made, in the place of `fetch`. */
export interface Sender {
  fetch(url: string, init: RequestInit): Promise<Response>;
}

/** Carries the sender of a request through the SDK to our `fetch`. */
export interface SenderInit extends Omit<RequestInit, 'body' | 'headers' | 'method' | 'signal'> {
  readonly sender: Sender;
}

/** @param init as this SDK makes it: `headers` is a Headers object, `body` is JSON text or absent. */
export function transportRequest(url: string, init: RequestInit): TransportRequest {
  return {
    method: init.method ?? 'POST',
    path: url.slice(url.indexOf('/', url.indexOf('//') + 2)),
    headers: plainHeaders(init.headers as Headers),
    body: (init.body ?? '') as string,
  };
}

/** Many requests share one object. */
const plain = new WeakMap<Headers, Readonly<Record<string, string>>>();

function plainHeaders(headers: Headers): Readonly<Record<string, string>> {
  let record = plain.get(headers);
  if (record === undefined) {
    // Nothing compressed is wanted: a delta must not wait in a compressor.
    record = { ...Object.fromEntries(headers), 'accept-encoding': 'identity' };
    plain.set(headers, record);
  }
  return record;
}

class SdkHeaders {
  readonly #headers: IncomingHttpHeaders;

  constructor(headers: IncomingHttpHeaders) {
    this.#headers = headers;
  }

  get(name: string): string | null {
    const value = this.#headers[name.toLowerCase()];
    return value === undefined ? null : String(value);
  }

  /** The SDK looks through them only for a line of its log, which is off. */
  entries(): readonly [string, string][] {
    return [];
  }
}

/**
 * The little of a fetch Response that the SDK reads: status and headers, and of an error its text. The body of a good
 * answer goes past the SDK, straight from the transport to the decoder: a web stream costs several times more per delta.
 */
class SdkResponse {
  readonly url: string;
  readonly status: number;
  readonly ok: boolean;
  readonly headers: SdkHeaders;
  readonly body = null;
  /** The body of an error. */
  readonly text: () => Promise<string>;

  constructor(url: string, status: number, headers: IncomingHttpHeaders, text: () => Promise<string>) {
    this.url = url;
    this.status = status;
    this.ok = status >= 200 && status < 300;
    this.headers = new SdkHeaders(headers);
    this.text = text;
  }
}

/** Typed as the SDK's `fetch` option wants it; only the members above are there. */
export function sdkResponse(
  url: string,
  status: number,
  headers: IncomingHttpHeaders,
  text: () => Promise<string>,
): Response {
  return new SdkResponse(url, status, headers, text) as unknown as Response;
}

/** Whether a 200 is what was asked for: not the page of a proxy, and not compressed. */
export function isEventStream(headers: IncomingHttpHeaders): boolean {
  const encoding = headers['content-encoding'];
  return (
    /^text\/event-stream\b/i.test(headers['content-type'] ?? '') &&
    (encoding === undefined || encoding === 'identity')
  );
}

/** Of an error: only its names are of use. */
const MAX_ERROR_BYTES = 64 * 1024;

/** A body as text, as far as it is wanted. */
export class BoundedBody {
  readonly #maxBytes: number;
  readonly #chunks: Buffer[] = [];
  readonly #text = Promise.withResolvers<string>();
  #bytes = 0;

  /** @param maxBytes default: what an error may have */
  constructor(maxBytes = MAX_ERROR_BYTES) {
    this.#maxBytes = maxBytes;
  }

  /** Resolves with what came until `end`. */
  get text(): Promise<string> {
    return this.#text.promise;
  }

  /** @returns false when it is full: the rest is not wanted. */
  push(bytes: Buffer): boolean {
    this.#bytes += bytes.length;
    if (this.#bytes <= this.#maxBytes) this.#chunks.push(bytes);
    return this.#bytes <= this.#maxBytes;
  }

  end(): void {
    this.#text.resolve(Buffer.concat(this.#chunks).toString('utf8'));
  }
}
