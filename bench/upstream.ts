/**
 * The model's stand-in, a process of its own: `POST /v1/messages` answers a paced stream of server-sent events,
 * over TLS with HTTP/2 or 1.1 by ALPN (as the real API does) and over plain HTTP/1.1 on a second port.
 * Judges nothing of the request. Loopback only. Run by the benchmark with its options as one JSON argument.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { obey, tell } from './messages.ts';
import { nowMicros } from './stamp.ts';
import { closing, delta, opening } from './upstream/answer.ts';
import { Pacer } from './upstream/pacer.ts';
import type { UpstreamOptions, UpstreamReport } from './upstream/port.ts';

type Request = IncomingMessage | Http2ServerRequest;
type Response = ServerResponse | Http2ServerResponse;

const HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache',
  'anthropic-ratelimit-requests-limit': '4000',
  'anthropic-ratelimit-requests-remaining': '3999',
};
/** As many as the real API's edge allows on one HTTP/2 connection. */
const STREAMS_PER_CONNECTION = 100;
const CANCELS_ALLOWED = 1_000_000;
/** The fractional part of its multiples fills 0…1 evenly: phases and lengths are spread and yet repeatable. */
const GOLDEN = 0.618_033_988_749_895;

const options = JSON.parse(process.argv[2] ?? '{}') as UpstreamOptions;
/** By deltas a second: a prompt may ask for a pace of its own. */
const pacers = new Map<number, Pacer>();
const counts = { opened: 0, open: 0, deltas: 0 };
let aborted: Record<string, number> = {};
let cpuAtReset = process.cpuUsage();
let serial = 0;

const secure = createSecureServer({
  key: options.key,
  cert: options.cert,
  allowHTTP1: true,
  settings: { maxConcurrentStreams: STREAMS_PER_CONNECTION },
  // Node's guard against rapid resets sends GOAWAY to a client that cancels more than 33 streams a second.
  streamResetBurst: CANCELS_ALLOWED,
  streamResetRate: CANCELS_ALLOWED,
});
const plain = createServer();
for (const server of [secure, plain]) {
  server.on('request', (request: Request, response: Response) => void serve(request, response));
}
// A relay that is killed resets its connections; that is no failure of ours.
secure.on('sessionError', () => undefined);
secure.listen(0, '127.0.0.1', () => plain.listen(0, '127.0.0.1', announce));

obey({ reset, report: () => tell('report', report()) });

function announce(): void {
  const port = (server: { address(): unknown }) => (server.address() as AddressInfo).port;
  tell('listening', { securePort: port(secure), plainPort: port(plain) });
}

function reset(): void {
  counts.opened = 0;
  counts.deltas = 0;
  aborted = {};
  cpuAtReset = process.cpuUsage();
  tell('reset');
}

function report(): UpstreamReport {
  const { user, system } = process.cpuUsage(cpuAtReset);
  return { ...counts, aborted, cpuMicros: user + system };
}

async function serve(request: Request, response: Response): Promise<void> {
  const arrivedAt = nowMicros();
  if (request.method !== 'POST' || !request.url?.startsWith('/v1/messages')) {
    response.statusCode = 404;
    response.end();
    return;
  }
  try {
    const body = await readBody(request);
    answer(body, arrivedAt, response);
  } catch {
    response.destroy();
  }
}

async function readBody(request: Request): Promise<string> {
  let body = '';
  request.setEncoding('latin1');
  for await (const part of request) body += part as string;
  return body;
}

function answer(body: string, arrivedAt: number, response: Response): void {
  serial += 1;
  const model = /"model":"([\w.-]+)"/.exec(body)?.[1] ?? 'claude-sonnet-5-5';
  const name = /bench:([\w-]+)/.exec(body)?.[1];
  const pace = Number(/ pace:(\d+)/.exec(body)?.[1] ?? options.deltasPerSecond);
  const length = Math.max(1, Math.round(between(options.answerDeltas, serial * GOLDEN)));
  const [fastest, slowest] = options.firstTokenMs;
  let written = 0;
  // Both kinds of response share these methods; their overloads do not unify.
  const out = response as ServerResponse;
  out.writeHead(200, { ...HEADERS, 'request-id': `req_bench${serial}` });
  out.write(opening(model, serial));
  const advance = () => {
    out.write(delta(written, arrivedAt));
    written += 1;
    counts.deltas += 1;
    if (written < length) return true;
    out.end(closing(length));
    return false;
  };
  counts.opened += 1;
  counts.open += 1;
  const remove = pacerOf(pace).add({ advance }, fastest + (slowest - fastest) * ((serial * GOLDEN) % 1));
  out.on('error', () => undefined);
  out.once('close', () => {
    remove();
    counts.open -= 1;
    if (written < length && name !== undefined) aborted[name] = nowMicros();
  });
}

function pacerOf(deltasPerSecond: number): Pacer {
  const pacer = pacers.get(deltasPerSecond) ?? new Pacer(1000 / deltasPerSecond);
  pacers.set(deltasPerSecond, pacer);
  return pacer;
}

/** A length of 0.5 to 1.5 times the mean, by the fractional part of `position`. */
function between(mean: number, position: number): number {
  return mean * (0.5 + (position % 1));
}
