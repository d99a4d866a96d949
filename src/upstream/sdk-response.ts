/**
 * The little of a fetch Response that the SDK reads: status and headers, and of an error its text. The body of a good
 * answer goes past the SDK, straight from the transport to the decoder: a web stream costs several times more per delta.
 */
import type { IncomingHttpHeaders } from 'node:http';

class SdkHeaders {
  readonly #headers: IncomingHttpHeaders;

  constructor(headers: IncomingHttpHeaders) {
    this.#headers = headers;
  }

  get(name: string): string | null {
    const value = this.#headers[name.toLowerCase()];
    return value === undefined ? null : String(value);
  }

  *entries(): IterableIterator<[string, string]> {
    for (const [name, value] of Object.entries(this.#headers)) {
      if (value !== undefined && !name.startsWith(':')) yield [name, String(value)];
    }
  }
}

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
