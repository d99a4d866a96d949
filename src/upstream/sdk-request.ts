/** What the SDK hands to its `fetch`, as a request of our transport. */
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
  const headers: Record<string, string> = {};
  for (const [name, value] of init.headers as Headers) headers[name] = value;
  // Nothing compressed is wanted: a delta must not wait in a compressor.
  headers['accept-encoding'] = 'identity';
  return {
    method: init.method ?? 'POST',
    path: url.slice(url.indexOf('/', url.indexOf('//') + 2)),
    headers,
    body: (init.body ?? '') as string,
  };
}
