/**
 * One GET of a small JSON document, bounded in time and size. Redirects are answers like any other: not 200, refused.
 * Over node:http and not the built-in `fetch`, which costs 17 MB of memory on its first use.
 */
import type { IncomingMessage } from 'node:http';
import { get as getByHttps } from 'node:https';
import type { Clock } from '../time/clock.ts';
import { KeySetFault } from './key-set-fault.ts';

// Imported, node:http loads all of the built-in fetch for its export WebSocket: 6 MB (decision 0014).
const { get: getByHttp } = process.getBuiltinModule('node:http');

export interface FetchLimits {
  readonly clock: Clock;
  /** For the whole exchange, ms. */
  readonly timeoutMs: number;
  readonly maxBytes: number;
  readonly signal: AbortSignal;
}

/** @throws KeySetFault; of the network, the error of Node */
export async function fetchJson(
  url: URL,
  { clock, timeoutMs, maxBytes, signal }: FetchLimits,
): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const get = url.protocol === 'https:' ? getByHttps : getByHttp;
  const request = get(url, { agent: false, signal, headers: { accept: 'application/json' } });
  const timer = clock.after(timeoutMs, () => reject(new KeySetFault(`no answer in ${timeoutMs} ms`)));
  request.on('error', reject);
  request.on('response', (response) => {
    response.on('error', reject);
    readText(response, maxBytes).then(resolve, reject);
  });
  try {
    return parse(await promise);
  } finally {
    timer.cancel();
    request.destroy();
  }
}

async function readText(response: IncomingMessage, maxBytes: number): Promise<string> {
  if (response.statusCode !== 200) throw new KeySetFault(`status ${response.statusCode}`);
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new KeySetFault(`over ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** The parser's own message quotes the text, so it is not passed on. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new KeySetFault('not JSON');
  }
}
