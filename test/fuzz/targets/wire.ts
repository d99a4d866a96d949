/** Bytes on a connection of a whole relay: a request as it stands, and frames after a handshake. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { CLOSE_CODES, ERROR_CODES } from '../../../src/protocol/codes.ts';
import { UNPACED } from '../../../src/simulator/pacer.ts';
import { handshake } from '../../http/handshake.ts';
import {
  BINARY,
  CLOSE,
  CONTINUATION,
  frame,
  framesIn,
  PING,
  PONG,
  TEXT,
  textFrame,
} from '../../http/masked-frame.ts';
import { ask } from '../../support/http-doors.ts';
import { type SimulatedRelay, startSimulatedRelay } from '../../support/relay-process.ts';
import { parseServerFrame } from '../../support/server-frame.ts';
import type { FuzzSubject, FuzzTarget } from '../fuzz-target.ts';

const HEAD_END = '\r\n\r\n';
const WITHIN_MS = 20_000;
/** Of violations; what the peer may say itself comes back. */
const CLOSE_CODES_OF_FRAMING = [1002, 1003, 1007, 1008, 1009];
const OURS: ReadonlySet<number> = new Set([...Object.values(CLOSE_CODES), ...CLOSE_CODES_OF_FRAMING]);
/** Of the app's old functions. */
const OLD_WORDS: ReadonlySet<string> = new Set([
  'model_access_denied',
  'invalid_request',
  'provider_unavailable',
  'provider_error',
  'ai_proxy_error',
]);
/** Stands for a good token in an input: equal seeds give equal inputs, and no two relays have one key. */
const TOKEN = '<token>';

const latin1 = (...parts: readonly Buffer[]): string => Buffer.concat(parts).toString('latin1');
const start = JSON.stringify({
  type: 'start',
  id: 'a',
  action: 'chat',
  messages: [{ role: 'user', content: 'hi' }],
});

export const socketBytes: FuzzTarget = {
  name: 'socket bytes',
  corpus: [
    latin1(textFrame(start), textFrame('{"type":"cancel","id":"a"}')),
    latin1(
      textFrame('{"type":"ping","t":1}'),
      frame({ opcode: PING, payload: 'x' }),
      frame({ opcode: PONG }),
    ),
    latin1(
      frame({ opcode: TEXT, payload: start.slice(0, 20), fin: false }),
      frame({ opcode: PING, payload: 'between' }),
      frame({ opcode: CONTINUATION, payload: start.slice(20) }),
    ),
    latin1(
      frame({ opcode: TEXT, payload: 'κόσμε', fin: false }),
      frame({ opcode: CONTINUATION, payload: Buffer.from([0xf0, 0x9f]) }),
    ),
    latin1(frame({ opcode: CLOSE, payload: Buffer.from([0x03, 0xe8]) }), textFrame(start)),
    latin1(frame({ opcode: BINARY }), frame({ opcode: TEXT, payload: 'x'.repeat(70_000) })),
    latin1(
      textFrame('x'),
      textFrame(''),
      textFrame('null'),
      textFrame('[]'),
      textFrame('{}'),
      textFrame(start),
    ),
  ],
  words: [
    '\x81\x80',
    '\x89\x80',
    '\x88\x82',
    '\x01\x81',
    '\x00\x81',
    '\x80\x80',
    '\xfe',
    '\xff',
    '\x7f',
    '\x81\xfe',
  ],
  cases: 150,
  open: () => opened(checkSocket),
};

const request = (line: string, headers: readonly string[] = [], body = ''): string =>
  `${[`${line} HTTP/1.1`, 'Host: relay.example', `Authorization: Bearer ${TOKEN}`, ...headers].join('\r\n')}${HEAD_END}${body}`;
const chat = JSON.stringify({ action: 'chat', messages: [{ role: 'user', content: 'hi' }] });
const withBody = (line: string, body: string, ...headers: readonly string[]): string =>
  request(
    line,
    ['Content-Type: application/json', `Content-Length: ${Buffer.byteLength(body)}`, ...headers],
    body,
  );

export const requestBytes: FuzzTarget = {
  name: 'request bytes',
  corpus: [
    withBody('POST /v1/chat', chat),
    withBody('POST /v1/chat', chat, 'Accept: text/event-stream'),
    request(
      'POST /v1/chat',
      ['Content-Type: application/json', 'Transfer-Encoding: chunked'],
      `${chat.length.toString(16)}\r\n${chat}\r\n0\r\n\r\n`,
    ),
    request('GET /v1/streams/a-stream', ['Last-Event-ID: wBf2nJ0cXk3rT9aQ.3']),
    request('GET /v1/streams/a-stream/state') + request('DELETE /v1/streams/a-stream'),
    ...['/v1/session', '/v1/usage', '/v1/actions', '/v1/config', '/healthz', '/readyz', '/metrics'].map(
      (path) => request(`GET ${path}`),
    ),
    withBody('POST /v1/client-metrics', '{"events":[]}'),
    withBody(
      'POST /v1/ai-sdk/chat',
      '{"action":"chat","id":"c","messages":[{"id":"m","role":"user","parts":[{"type":"text","text":"hi"}]}]}',
    ),
    request('GET /v1/ai-sdk/chat/c/stream') + request('DELETE /v1/ai-sdk/chat/%2F/stream'),
    withBody('POST /functions/v1/ai-gateway', '{"action":"chat","prompt":"hi","stream":true}'),
    withBody('POST /functions/v1/ai-proxy', '{"service_type":"chat","payload":{"prompt":"hi"}}'),
    withBody(
      'POST /v1/ag-ui',
      '{"threadId":"t","runId":"r","messages":[{"id":"1","role":"user","content":"hi"}],"forwardedProps":{"action":"chat"}}',
    ),
    withBody('POST /dev/token', '{"sub":"x","tier":null}'),
    request('OPTIONS /v1/chat', ['Origin: https://evil.example', 'Access-Control-Request-Method: POST']),
    handshake({ headers: { authorization: `Bearer ${TOKEN}` } }),
    `PROXY TCP4 203.0.113.1 203.0.113.2 1 2\r\n${request('GET /v1/session')}`,
    request('GET http://relay.example/v1/session', [
      'X-Forwarded-For: 203.0.113.1',
      'traceparent: 00-0-0-01',
      'Expect: 100-continue',
    ]),
  ],
  words: [
    '\r\n',
    HEAD_END,
    'Content-Length: 5\r\n',
    'Transfer-Encoding: chunked\r\n',
    'Host: x\r\n',
    ' HTTP/1.0',
    'TRACE',
    '%2e%2e',
    'Upgrade: h2c\r\n',
    'Connection: close\r\n',
  ],
  cases: 150,
  open: () => opened(checkRequest),
};

type Exchange = (relay: SimulatedRelay, bytes: Buffer) => Promise<void>;

/** One relay for all inputs; in the end it serves as before, and holds nothing of them. */
async function opened(check: Exchange): Promise<FuzzSubject> {
  const relay = await startSimulatedRelay({ pace: UNPACED }, { ABANDON_AFTER_MS: '50', LOG_LEVEL: 'warn' });
  const token = await relay.token();
  return {
    check: (input) => check(relay, Buffer.from(input.replaceAll(TOKEN, token), 'latin1')),
    async [Symbol.asyncDispose]() {
      await settledGauges(relay.url);
      const { status } = await ask(`${relay.url}/v1/chat`, {
        method: 'POST',
        token,
        body: JSON.parse(chat) as object,
      });
      await relay[Symbol.asyncDispose]();
      assert.equal(status, 200);
    },
  };
}

async function settledGauges(url: string): Promise<void> {
  const gauges = /^dash_(connections|live_streams|upstream_requests) (\d+)$/gm;
  const deadline = performance.now() + WITHIN_MS;
  let open: string[] = [];
  do {
    const { body } = await ask(`${url}/metrics`);
    open = [...body.matchAll(gauges)].flatMap(([whole, , count]) => (count === '0' ? [] : [whole]));
    if (open.length === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  } while (performance.now() < deadline);
  assert.fail(`left open: ${open.join(', ')}`);
}

async function checkSocket(relay: SimulatedRelay, bytes: Buffer): Promise<void> {
  const head = handshake({ headers: { authorization: `Bearer ${await relay.token()}` } });
  const received = await exchanged(relay, bytes, head);
  const end = received.indexOf(HEAD_END) + HEAD_END.length;
  assert.match(received.toString('latin1', 0, end), /^HTTP\/1\.1 101 /);
  const frames = framesIn(received.subarray(end));
  for (const { opcode, payload } of frames) {
    if (opcode === TEXT) parseServerFrame(payload.toString());
    else if (opcode === CLOSE) requireCloseCode(payload, bytes);
    else assert.ok(opcode === PONG || opcode === PING, `a frame of opcode ${opcode}`);
  }
  assert.ok(
    frames.findIndex(({ opcode }) => opcode === CLOSE) === -1 || frames.at(-1)?.opcode === CLOSE,
    'a frame after the close',
  );
}

function requireCloseCode(payload: Buffer, sent: Buffer): void {
  if (payload.length === 0) return;
  const code = payload.readUInt16BE();
  const mayBeEcho = sent.includes(0x88) && code >= 1000;
  assert.ok(OURS.has(code) || mayBeEcho, `closed with ${code}`);
}

async function checkRequest(relay: SimulatedRelay, bytes: Buffer): Promise<void> {
  const text = (await exchanged(relay, bytes)).toString('latin1');
  if (text === '') return; // nothing that was a request came whole
  assert.match(text, /^HTTP\/1\.1 [1-5]\d\d /);
  const secrets = await relay.token();
  for (const [, json] of text.matchAll(/\r\n\r\n(\{"error":.*?\})(?:$|HTTP\/1\.1)/g)) {
    const { error } = JSON.parse(json ?? '') as { error: string | { code: string } };
    const code = typeof error === 'string' ? error : error.code;
    assert.ok(Object.hasOwn(ERROR_CODES, code) || OLD_WORDS.has(code), `${code} is no code of the table`);
  }
  assert.doesNotMatch(text, /\n {4}at |node:internal|\/src\//);
  assert.ok(!text.includes(secrets), 'a token comes back');
}

/**
 * Sends them, says that nothing follows, and takes all that comes.
 * @param head goes before them, and is answered before they are sent
 */
async function exchanged(relay: SimulatedRelay, bytes: Buffer, head = ''): Promise<Buffer> {
  const socket = connect(Number(new URL(relay.url).port), '127.0.0.1');
  const parts: Buffer[] = [];
  socket.on('error', () => {}); // a reset is one of the ways in which it may hang up
  socket.on('data', (part: Buffer) => parts.push(part));
  if (head === '') socket.end(bytes);
  else socket.once('data', () => socket.end(bytes)).write(head);
  const { promise: closed, resolve, reject } = Promise.withResolvers<void>();
  const late = setTimeout(() => reject(new Error('it does not hang up')), WITHIN_MS);
  socket.on('close', () => resolve());
  try {
    await closed;
  } finally {
    clearTimeout(late);
    socket.destroy();
  }
  return Buffer.concat(parts);
}
