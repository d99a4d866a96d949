/**
 * The client before a relay that lies, or something on the way that is none. One step a line: a frame or any other text on
 * the socket, `close 1006`, `http 200 {…}` or `sse …` for what requests are answered from now on, `hang`, `wait`, `wake`.
 */
import assert from 'node:assert/strict';
import {
  createDashClient,
  DashError,
  type DashStream,
  type Signal,
  type Transport,
} from '../../../src/client/index.ts';
import type { FetchRequest, WebSocketLike } from '../../../src/client/platform.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { noteActivity, settled } from '../../support/quiet.ts';
import { type FuzzTarget, subject } from '../fuzz-target.ts';

const ID = 'a-stream-of-the-client-';
const EPOCH = 'epoch-0001';
const MOST_STEPS = 60;
/** Of a script of so many steps; a client that asks for ever asks more. */
const MOST_SOCKETS = 400;
const MOST_SENT = 4000;
const LONGEST_TIMER_MS = 2 ** 31 - 1;

const usage = { inputTokens: 1, outputTokens: 1, cacheReadTokens: 0, cacheWriteTokens: 0, source: 'final' };
const timing = { firstTokenMs: 1, totalMs: 1, chunks: 2, bytes: 10 };
const limits = { streams: 16, frameBytes: 262_144, framesPerMinute: 240 };
const hello = {
  type: 'hello',
  version: '0',
  connectionId: 'c',
  userId: 'someone',
  tokenExpiresAt: 1_795_400_000_000,
  heartbeatMs: 25_000,
  resumeWindowMs: 120_000,
  limits,
};
const accepted = { type: 'accepted', id: ID, epoch: EPOCH, model: 'm' };
const resumed = { type: 'resumed', id: ID, epoch: EPOCH, after: 0, head: 2, model: 'm', state: 'live' };
const chunk = { type: 'chunk', id: ID, seq: 1, content: 'Hello' };
const done = {
  type: 'done',
  id: ID,
  seq: 2,
  stopReason: 'end_turn',
  model: 'm',
  textLength: 10,
  usage,
  timing,
};
const error = {
  type: 'error',
  id: ID,
  seq: 1,
  code: 'interrupted',
  message: 'x',
  retryable: true,
  retryAfterMs: 10,
};

const steps = (...each: readonly unknown[]): string =>
  each.map((step) => (typeof step === 'string' ? step : JSON.stringify(step))).join('\n');
const event = (frame: { readonly type: string }): string =>
  `event: ${frame.type}\\ndata: ${JSON.stringify(frame)}\\n\\n`;

const CORPUS = [
  steps('websocket', hello, accepted, chunk, { ...chunk, seq: 2 }, done),
  steps(
    'websocket',
    hello,
    accepted,
    chunk,
    'close 1006',
    'wait',
    hello,
    { ...resumed, after: 1 },
    { ...chunk, seq: 5 },
    { ...error, of: 'resume', code: 'resume_gap' },
    'wait',
    error,
  ),
  steps(
    'websocket',
    hello,
    accepted,
    { type: 'thinking', id: ID, content: 'hm' },
    { type: 'tool', id: ID, call: 1, name: 't', state: 'running' },
    { type: 'token_expiring', expiresInMs: 1 },
    { type: 'authenticated', tokenExpiresAt: 0 },
    { type: 'going_away', reconnectAfterMs: 0, deadlineMs: 0, resume: 'here' },
    { type: 'config', transport: 'sse', pollAfterMs: -1, enabled: true },
    'wait',
    'close 1001',
  ),
  steps(
    'websocket',
    'http 503 {"error":{"code":"unavailable","message":"x","retryable":true}}',
    'close 1006',
    'wait',
    'close 4401',
    'wait',
    'close 4403',
    'wake',
    'cancel',
    'wait',
  ),
  steps(
    'sse',
    `sse ${event(accepted)}${event(chunk)}${event({ ...chunk, seq: 2 } as typeof chunk)}${event(done)}`,
    'wait',
  ),
  steps(
    'sse',
    `sse ${event(accepted)}${event(chunk)}: comment\\n\\n`,
    'wait',
    `sse ${event(resumed)}`,
    'wait',
    'hang',
    'wait',
    'wait',
  ),
  steps(
    'json',
    `http 200 ${JSON.stringify({ id: ID, content: 'Hello you.', stopReason: 'end_turn', model: 'm', usage, timing })}`,
    'wait',
  ),
  steps(
    'json',
    `http 502 ${JSON.stringify({ error: { code: 'upstream_reset', message: 'x', retryable: false }, content: 'Hel' })}`,
    'wait',
    'http 200 {"state":"live"}',
    'wait',
    'http 404 <html>',
    'wait',
    'cancel',
  ),
];

export const clientSdk: FuzzTarget = {
  name: 'client',
  corpus: CORPUS,
  words: [
    '\nwait\n',
    '\nwake\n',
    '\nclose 1006\n',
    '\ncancel\n',
    '\nhang\n',
    '"seq":',
    '"content":',
    '"retryAfterMs":1e99',
    '"call":"__proto__"',
    '\\n\\n',
    'data: ',
  ],
  cases: 120,
  open: () => subject(check),
};

/** What a real timer takes for longer, or for no number, it calls back at once. */
class DeviceClock extends ManualClock {
  override after(ms: number, callback: () => void) {
    return super.after(ms <= LONGEST_TIMER_MS ? ms : 1, callback);
  }
}

class HostileRelay {
  readonly clock = new DeviceClock();
  readonly sockets: WebSocketLike[] = [];
  readonly sent: string[] = [];
  signal: (signal: Signal) => void = () => {};
  answer: (init: FetchRequest) => Promise<Response> = () => Promise.reject(new TypeError('no network'));

  connect(): WebSocketLike {
    noteActivity();
    const socket: WebSocketLike = {
      onmessage: null,
      onclose: null,
      onerror: null,
      send: (text) => void this.sent.push(text),
      close: () => noteActivity(),
    };
    this.sockets.push(socket);
    return socket;
  }

  request(init: FetchRequest): Promise<Response> {
    noteActivity();
    this.sent.push(String(init.body ?? '{}'));
    return this.answer(init);
  }

  step(line: string, stream: DashStream): void {
    const [, verb, rest = ''] = /^(\w+)(?: ([\s\S]*))?$/.exec(line) ?? [];
    const socket = this.sockets.at(-1);
    if (verb === 'wait') this.clock.advance(5000);
    else if (verb === 'wake') this.signal('wake');
    else if (verb === 'cancel') void stream.cancel().catch(() => {});
    else if (verb === 'close') socket?.onclose?.({ code: Number(rest) });
    else if (verb === 'hang') this.answer = hanging;
    else if (verb === 'sse')
      this.answer = async () => responseOf(200, rest.replaceAll('\\n', '\n'), 'text/event-stream');
    else if (verb === 'http') this.#answerWith(rest);
    else socket?.onmessage?.({ data: line });
  }

  #answerWith(rest: string): void {
    const status = Number(/^\d{3}/.exec(rest)?.[0] ?? 200);
    this.answer = async () =>
      responseOf(Math.min(Math.max(status, 200), 599), rest.slice(4), 'application/json');
  }
}

function responseOf(status: number, body: string, type: string): Response {
  const isEmpty = status === 204 || status === 205 || status === 304;
  return new Response(isEmpty ? null : body, { status, headers: { 'content-type': type } });
}

function hanging({ signal }: FetchRequest): Promise<Response> {
  return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(new Error('aborted'))));
}

async function check(input: string): Promise<void> {
  const [first = '', ...lines] = input.split('\n').slice(0, MOST_STEPS);
  const transport: Transport = first === 'sse' || first === 'json' ? first : 'websocket';
  const relay = new HostileRelay();
  const client = createDashClient({
    url: 'http://relay.test',
    transports: [transport],
    clock: relay.clock,
    getToken: () => 'token',
    webSocket: () => relay.connect(),
    fetch: (_url, init) => relay.request(init),
    signals: (listener) => {
      relay.signal = listener;
      return () => {};
    },
  });
  let heard = '';
  const stream = client.stream(
    { action: 'chat', messages: [{ role: 'user', content: 'hi' }] },
    {
      onChunk: (text) => {
        assert.equal(typeof text, 'string', 'what an app is handed is text');
        heard += text;
      },
    },
  );
  await settled();
  for (const line of lines) {
    relay.step(line.replaceAll(ID, stream.id), stream);
    await settled();
  }
  client.close();
  const ended: unknown = await stream.final.catch((refusal: unknown) => refusal);
  await settled();
  // A request on its way may take as long as it may.
  relay.clock.advance(60_000);
  await settled();
  assert.ok(ended instanceof DashError || typeof (ended as { content?: unknown }).content === 'string');
  assert.equal(stream.content, heard);
  requireBounded(relay);
}

/** It asks again and not for ever, in frames of its own, and leaves no timer. */
function requireBounded({ sockets, sent, clock }: HostileRelay): void {
  assert.ok(sockets.length <= MOST_SOCKETS, `${sockets.length} sockets`);
  assert.ok(sent.length <= MOST_SENT, `${sent.length} questions`);
  for (const text of sent) assert.equal(typeof JSON.parse(text), 'object');
  assert.equal(clock.pending, 0, 'timers are left');
}
