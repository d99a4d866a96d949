/** A real relay, asked for all that it serves and all that it refuses: every answer is one that the contract has. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { UNPACED } from '../../src/simulator/pacer.ts';
import { readProjectFile } from '../architecture/source-files.ts';
import { OLD_BODIES } from '../legacy/old-bodies.ts';
import { type Answer, ask, open, type Question, textOf } from '../support/http-doors.ts';
import { type SimulatedRelay, startSimulatedRelay, userId } from '../support/relay-process.ts';
import { JPEG } from '../uploads/files.ts';
import { Contract, closed, type OpenApi, type Operation } from './contract.ts';

const contract = new Contract(JSON.parse(readProjectFile('docs/openapi.json')) as OpenApi);
const EVENTS = { accept: 'text/event-stream' };
const MESSAGES = [{ role: 'user', content: 'Why is the sky blue?' }];
const UI_MESSAGES = [{ id: 'a', role: 'user', parts: [{ type: 'text', text: 'Why is the sky blue?' }] }];
const HANDSHAKE = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
};
const SOCKETS = ['/v1/ws', '/v1/ai-sdk', '/functions/v1/ai-gateway-ws', '/functions/v1/ai-proxy-ws'];

const plans = join(mkdtempSync(join(tmpdir(), 'plans-')), 'plans.json');
let relay: SimulatedRelay;
let narrow: SimulatedRelay;
let token: string;
let narrowToken: string;

beforeAll(async () => {
  writeFileSync(
    plans,
    JSON.stringify({ plans: { free: { requestsPerActionPerMonth: 1 }, enterprise: {}, anonymous: {} } }),
  );
  relay = await startSimulatedRelay({ pace: UNPACED });
  narrow = await startSimulatedRelay(
    { pace: UNPACED },
    {
      PLANS_FILE: plans,
      MAX_STREAMS_PER_USER: '1',
      STARTS_PER_MINUTE: '2',
      MAX_CONNECTIONS_PER_USER: '1',
      UPLOADS_PER_USER: '1',
      UPLOAD_MAX_BYTES: '2000',
      CLIENT_METRICS: 'false',
    },
  );
  token = await relay.token();
  narrowToken = await narrow.token();
});
afterAll(async () => {
  await relay[Symbol.asyncDispose]();
  await narrow[Symbol.asyncDispose]();
  rmSync(plans);
});

/** A file as it is, or a head that no client of Node writes. */
interface Asked extends Question {
  readonly file?: Buffer;
}

/** `POST /v1/chat`, or `GET /v1/streams/some-id` asked as `GET /v1/streams/{id}`. Judges the answer. */
async function judged(of: SimulatedRelay, name: string, asked: Asked = {}, path?: string): Promise<Answer> {
  const [method = '', pattern = ''] = name.split(' ');
  const url = of.url + (path ?? pattern);
  const answer = asked.file === undefined ? await asFarAs(url, { method, ...asked }) : await send(url, asked);
  expect(contract.faultIn(name, answer)).toBeUndefined();
  return answer;
}

/** Events of an old function are cut where their run ended as an error. */
async function asFarAs(url: string, asked: Question): Promise<Answer> {
  const response = await open(url, asked);
  let body = '';
  response.setEncoding('utf8').on('data', (part: string) => {
    body += part;
  });
  await finished(response).catch(() => {});
  return { status: response.statusCode ?? 0, headers: response.headers, body };
}

function send(url: string, { file, token: bearer, headers }: Asked): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const authorization = `Bearer ${bearer}`;
    const sent = request(url, {
      method: 'POST',
      agent: false,
      headers: { authorization, 'content-length': file?.length, ...headers },
    });
    sent.on('error', reject).on('response', async (response) => {
      resolve({
        status: response.statusCode ?? 0,
        headers: response.headers,
        body: await textOf(response),
      });
    });
    sent.end(file);
  });
}

/** `404 unknown_stream` */
function told({ status, body }: Answer): string {
  const { error } = (body === '' ? {} : JSON.parse(body)) as { error?: { code?: string } | string };
  return `${status} ${typeof error === 'object' ? error.code : error}`;
}

let streams = 0;
const freshId = (): string => {
  streams += 1;
  return `contract-${String(streams).padStart(4, '0')}`;
};
const question = (fields: object = {}): object => ({
  id: freshId(),
  action: 'chat',
  messages: MESSAGES,
  ...fields,
});

describe('what is served', () => {
  it('is said of questions, as a whole and as events, and of streams', async () => {
    const id = freshId();
    await judged(relay, 'POST /v1/chat', { token, body: question({ id }) });
    await judged(relay, 'POST /v1/chat', { token, body: question(), headers: EVENTS });
    relay.simulator.script('refusal-midway', 'thinking');
    await judged(relay, 'POST /v1/chat', { token, body: question() });
    await judged(relay, 'POST /v1/chat', { token, body: question(), headers: EVENTS });
    const one = `/v1/streams/${id}`;
    const { body } = await judged(relay, 'GET /v1/streams/{id}', { token }, one);
    const [, last = ''] = /^id: (.+)$/m.exec(body) ?? [];
    await judged(relay, 'GET /v1/streams/{id}', { token, headers: { 'last-event-id': last } }, one);
    await judged(relay, 'GET /v1/streams/{id}/state', { token }, `${one}/state`);
    const page = await judged(relay, 'GET /v1/streams', { token }, '/v1/streams?limit=1');
    const { next } = JSON.parse(page.body) as { next: string };
    await judged(relay, 'GET /v1/streams', { token }, `/v1/streams?before=${next}`);
    const endings = [await judged(relay, 'DELETE /v1/streams/{id}', { token }, one)];
    relay.simulator.script('stall');
    const live = question();
    const reading = await open(`${relay.url}/v1/chat`, {
      method: 'POST',
      token,
      body: live,
      headers: EVENTS,
    });
    const liveId = (live as { id: string }).id;
    endings.push(await judged(relay, 'DELETE /v1/streams/{id}', { token }, `/v1/streams/${liveId}`));
    await textOf(reading);
    const failed = question({ model: 'sim:truncate' });
    await judged(relay, 'POST /v1/chat', { token, body: failed });
    const failedId = (failed as { id: string }).id;
    endings.push(await judged(relay, 'DELETE /v1/streams/{id}', { token }, `/v1/streams/${failedId}`));
    expect(endings.map(({ body: ending }) => (JSON.parse(ending) as { type: string }).type)).toEqual([
      'done',
      'cancelled',
      'error',
    ]);
    await judged(relay, 'DELETE /v1/streams/{id}', { token }, `${one}?forget=true`);
    await judged(relay, 'DELETE /v1/streams', { token });
  });

  it('is said in the dialects of the AI SDK and of AG-UI', async () => {
    const chat = { id: 'contract-chat', action: 'chat', messages: UI_MESSAGES };
    const path = '/v1/ai-sdk/chat/contract-chat/stream';
    relay.simulator.script('thinking', 'refusal-midway', 'truncate');
    for (const _ of [1, 2, 3]) await judged(relay, 'POST /v1/ai-sdk/chat', { token, body: chat });
    await judged(relay, 'GET /v1/ai-sdk/chat/{id}/stream', { token }, path);
    await judged(relay, 'DELETE /v1/ai-sdk/chat/{id}/stream', { token }, path);
    const none = path.replace('contract-chat', 'none');
    await judged(relay, 'GET /v1/ai-sdk/chat/{id}/stream', { token }, none);
    relay.simulator.script('stall');
    const asked = { method: 'POST', token, body: chat };
    const reading = await open(`${relay.url}/v1/ai-sdk/chat`, asked);
    await judged(relay, 'DELETE /v1/ai-sdk/chat/{id}/stream', { token }, path);
    await textOf(reading);
    const run = { threadId: 'a-thread', messages: MESSAGES, forwardedProps: { action: 'chat' } };
    relay.simulator.script('thinking', 'refusal-midway', 'truncate');
    for (const runId of ['a', 'b', 'c', 'c'])
      await judged(relay, 'POST /v1/ag-ui', { token, body: { ...run, runId } });
    const refused = [
      await judged(relay, 'POST /v1/ag-ui', { token, body: run }),
      await judged(relay, 'POST /v1/ai-sdk/chat', { token, body: { ...chat, system: 'x' } }),
    ];
    expect(refused.map(told)).toEqual(['400 bad_request', '400 bad_request']);
  });

  it('is said of files', async () => {
    const headers = { 'content-type': 'image/jpeg', 'idempotency-key': 'a-key-of-the-contract' };
    const sent = await judged(relay, 'POST /v1/uploads', { token, file: JPEG, headers });
    const { id } = JSON.parse(sent.body) as { id: string };
    await judged(relay, 'DELETE /v1/uploads/{id}', { token }, `/v1/uploads/${id}`);
    await judged(relay, 'DELETE /v1/uploads', { token });
  });

  it('is said of the caller, the relay and its documents', async () => {
    await judged(relay, 'GET /v1/session', { token });
    await judged(relay, 'GET /v1/usage', { token });
    const { body } = await ask(`${narrow.url}/dev/token`, {
      method: 'POST',
      body: { sub: userId(9), tier: 'free' },
    });
    await judged(narrow, 'GET /v1/usage', {
      token: (JSON.parse(body) as { access_token: string }).access_token,
    });
    await judged(relay, 'GET /v1/actions', { token });
    await judged(relay, 'GET /v1/config', { token });
    await judged(relay, 'GET /healthz');
    await judged(relay, 'GET /readyz');
    await judged(relay, 'GET /metrics');
    await judged(relay, 'POST /dev/token', { body: {} });
    for (const name of ['GET /v1/openapi.json', 'GET /v1/asyncapi.json']) {
      const { headers } = await judged(relay, name);
      await judged(relay, name, { headers: { 'if-none-match': String(headers.etag) } });
    }
  });

  it('is said of reports', async () => {
    const event = {
      event: 'edudash.dash_ai.streaming_metrics',
      first_token_ms: 1,
      total_duration_ms: 2,
      chunks_received: 1,
      bytes_streamed: 1,
      platform: 'web',
      transport: 'sse',
      status: 'done',
    };
    await judged(relay, 'POST /v1/client-metrics', { token, body: { events: [event] } });
    const report = { id: freshId(), streamId: freshId(), category: 'wrong' };
    await judged(relay, 'POST /v1/reports', { token, body: report });
  });

  it('is said of all that the old functions were asked', async () => {
    for (const { path, body, headers = {}, token: shown } of OLD_BODIES) {
      const own = shown === false ? {} : { token };
      await judged(relay, `POST ${path}`, { body, headers, ...own });
    }
    expect(contract.seen).toContain('askProxy 501');
  });
});

describe('what is refused', () => {
  it('is said of every route: no token, a bad one, a compressed body, heads and bodies that are none', async () => {
    for (const [name, operation] of contract.operations) {
      const path = (name.split(' ')[1] ?? '').replace('{id}', 'contract-none');
      for (const [asked, status] of foreignRequests(name, operation)) {
        const answer = await judged(relay, name, asked, path);
        expect(`${name} ${answer.status}`).toBe(`${name} ${status}`);
      }
      const answer = await malformed(relay, `${name.split(' ')[0]} ${path} HTTP/1.1\r\nhost\r\n\r\n`);
      expect(contract.faultIn(name, answer)).toBeUndefined();
    }
  });

  it('is said of questions', async () => {
    const existing = question();
    await judged(relay, 'POST /v1/chat', { token, body: existing });
    const cases: [object, string][] = [
      [question({ action: 'none' }), '400 unknown_action'],
      [question({ model: 'none' }), '403 model_not_allowed'],
      [question({ events: 'all' }), '403 forbidden'],
      [{ ...existing, maxTokens: 3 }, '409 conflict'],
      [question({ context: 'x'.repeat(17_000) }), '413 too_large'],
      [question({ messages: [{ role: 'user', content: [{ type: 'other' }] }] }), '415 unsupported'],
      [
        question({ messages: [{ role: 'user', content: [uploaded('contract-none')] }] }),
        '404 unknown_upload',
      ],
    ];
    for (const [body, refusal] of cases) {
      expect(told(await judged(relay, 'POST /v1/chat', { token, body }))).toBe(refusal);
      expect(told(await judged(relay, 'POST /v1/chat', { token, body, headers: EVENTS }))).toBe(refusal);
    }
  });

  it('is said of what the model fails with, at each route that asks it', async () => {
    const failures = ['reset', 'truncate', 'error', 'bad-request', 'unpaid', 'overloaded', 'rate-limited'];
    const codes = failures.map(async (failure) => {
      const body = question({ model: `sim:${failure}` });
      return told(await judged(relay, 'POST /v1/chat', { token, body }));
    });
    const model = 'sim:truncate';
    await judged(relay, 'POST /v1/chat', { token, body: question({ model }), headers: EVENTS });
    const old = { action: 'chat', prompt: 'Why?', model };
    const proxied = { service_type: 'chat', payload: { prompt: 'Why?', model } };
    for (const stream of [false, true]) {
      await judged(relay, 'POST /functions/v1/ai-gateway', { token, body: { ...old, stream } });
      await judged(relay, 'POST /functions/v1/ai-proxy', { token, body: { ...proxied, stream } });
    }
    expect((await Promise.all(codes)).toSorted()).toEqual([
      '502 upstream_error',
      '502 upstream_refused',
      '502 upstream_reset',
      '502 upstream_truncated',
      '503 upstream_account',
      '503 upstream_overloaded',
      '503 upstream_rate_limited',
    ]);
  });

  it('is said of streams, files and reports that are not there, or not so', async () => {
    const held = question();
    await judged(relay, 'POST /v1/chat', { token, body: held });
    const { id } = held as { id: string };
    const none = '/v1/streams/contract-none';
    const gap = { 'last-event-id': 'another-epoch.3' };
    const bad = { 'last-event-id': 'none' };
    const photo = { 'content-type': 'image/jpeg' };
    const cases: [string, Asked, string, string][] = [
      ['GET /v1/streams/{id}', { token }, none, '404 unknown_stream'],
      ['GET /v1/streams/{id}/state', { token }, `${none}/state`, '404 unknown_stream'],
      ['DELETE /v1/streams/{id}', { token }, none, '404 unknown_stream'],
      ['DELETE /v1/streams/{id}', { token }, `${none}?forget=yes`, '400 bad_request'],
      ['GET /v1/streams/{id}', { token }, `/v1/streams/${'x'.repeat(4000)}`, '404 not_found'],
      ['GET /v1/streams/{id}', { token, headers: gap }, `/v1/streams/${id}`, '409 resume_gap'],
      ['GET /v1/streams/{id}', { token, headers: bad }, `/v1/streams/${id}`, '400 bad_request'],
      ['GET /v1/streams', { token }, '/v1/streams?limit=0', '400 bad_request'],
      [
        'POST /v1/uploads',
        { token, file: Buffer.from('text'), headers: photo },
        '/v1/uploads',
        '415 unsupported',
      ],
      [
        'POST /v1/uploads',
        { token, file: JPEG.subarray(0, 100), headers: photo },
        '/v1/uploads',
        '400 bad_request',
      ],
      ['POST /v1/reports', { token, body: { id: 'a' } }, '/v1/reports', '400 bad_request'],
      ['POST /v1/client-metrics', { token, body: { events: [] } }, '/v1/client-metrics', '400 bad_request'],
      ['POST /dev/token', { body: { sub: 'x' } }, '/dev/token', '400 bad_request'],
      ['GET /metrics', { headers: { host: 'relay.example' } }, '/metrics', '403 forbidden'],
    ];
    for (const [name, asked, path, refusal] of cases)
      expect(told(await judged(relay, name, asked, path)), `${name} ${path}`).toBe(refusal);
    for (const path of SOCKETS)
      expect(told(await judged(relay, `GET ${path}`, { token }))).toBe('426 upgrade_required');
  });

  it('is said of limits', async () => {
    const headers = { 'content-type': 'image/jpeg' };
    const file = (content: Buffer) => ({ token: narrowToken, file: content, headers });
    await judged(narrow, 'POST /v1/uploads', file(JPEG));
    expect(told(await judged(narrow, 'POST /v1/uploads', file(JPEG)))).toBe('429 too_many_uploads');
    expect(told(await judged(narrow, 'POST /v1/uploads', file(Buffer.alloc(3000))))).toBe('413 too_large');
    expect(told(await judged(narrow, 'POST /v1/client-metrics', { token: narrowToken, body: {} }))).toBe(
      '404 not_found',
    );
    narrow.simulator.script('stall');
    const reading = await open(`${narrow.url}/v1/chat`, {
      method: 'POST',
      token: narrowToken,
      body: question(),
      headers: EVENTS,
    });
    const asked = { token: narrowToken, body: question() };
    expect(told(await judged(narrow, 'POST /v1/chat', asked))).toBe('429 too_many_connections');
    expect(told(await judged(narrow, 'GET /v1/session', { token: narrowToken }))).toBe(
      '429 too_many_connections',
    );
    for (const path of SOCKETS) {
      const refused = { token: narrowToken, headers: HANDSHAKE };
      expect(told(await judged(narrow, `GET ${path}`, refused))).toBe('429 too_many_connections');
    }
    await judged(narrow, 'DELETE /v1/streams', { token: narrowToken });
    await textOf(reading);
    await judged(narrow, 'POST /v1/chat', asked);
    expect(told(await judged(narrow, 'POST /v1/chat', { token: narrowToken, body: question() }))).toBe(
      '429 rate_limited',
    );
    const poor = await freeToken(narrow, 3);
    await judged(narrow, 'POST /v1/chat', { token: poor, body: question() });
    const spent = { token: poor, body: { action: 'chat', prompt: 'Why?' } };
    expect(told(await judged(narrow, 'POST /v1/chat', { token: poor, body: question() }))).toBe(
      '429 quota_exceeded',
    );
    expect(told(await judged(narrow, 'POST /functions/v1/ai-gateway', spent))).toMatch(/^429/);
    const proxied = { token: poor, body: { service_type: 'chat', payload: { prompt: 'Why?' } } };
    expect(told(await judged(narrow, 'POST /functions/v1/ai-proxy', proxied))).toMatch(/^429/);
  });

  it('is said of every route: too many requests of a user; and of a model that falls silent', async () => {
    const limits = { FRAMES_PER_MINUTE: '1', UPSTREAM_IDLE_MS: '200' };
    await using busy = await startSimulatedRelay({ pace: UNPACED }, limits);
    const model = 'sim:silent';
    const silent = { token: await busy.token(2), body: question({ model }) };
    const old = { token: await busy.token(3), body: { action: 'chat', prompt: 'Why?', model } };
    const payload = { prompt: 'Why?', model };
    const proxied = { token: await busy.token(4), body: { service_type: 'chat', payload } };
    const late = [
      judged(busy, 'POST /v1/chat', silent),
      judged(busy, 'POST /functions/v1/ai-gateway', old),
      judged(busy, 'POST /functions/v1/ai-proxy', proxied),
    ];
    const asked = { token: await busy.token(1) };
    await judged(busy, 'GET /v1/usage', asked);
    const ofUsers = [...contract.operations].filter(
      ([, { security, responses }]) => security.length > 0 && !('101' in responses),
    );
    for (const [name] of ofUsers) {
      const path = (name.split(' ')[1] ?? '').replace('{id}', 'contract-none');
      expect((await judged(busy, name, asked, path)).status, name).toBe(429);
    }
    expect((await Promise.all(late)).map(({ status }) => status)).toEqual([504, 504, 504]);
  });

  it('is said of a relay that is going', async () => {
    narrow.simulator.script('stall');
    const held = await narrow.token(5);
    const reading = await open(`${narrow.url}/v1/chat`, {
      method: 'POST',
      token: held,
      body: question(),
      headers: EVENTS,
    });
    const drained = narrow.drain();
    const other = await freeToken(narrow, 6);
    await judged(narrow, 'GET /readyz');
    const body = question();
    expect(told(await judged(narrow, 'POST /v1/chat', { token: other, body }))).toBe('503 shutting_down');
    expect(told(await judged(narrow, 'GET /v1/session', { token: other }))).toBe('503 shutting_down');
    await judged(narrow, 'POST /functions/v1/ai-gateway', { body: { action: 'health' } });
    await judged(narrow, 'POST /functions/v1/ai-proxy', { body: { action: 'health' } });
    for (const path of SOCKETS) await judged(narrow, `GET ${path}`, { token: other, headers: HANDSHAKE });
    await judged(narrow, 'DELETE /v1/streams', { token: held });
    await textOf(reading);
    await drained;
  });
});

describe('what is said on a socket', () => {
  const asyncApi = JSON.parse(readProjectFile('docs/asyncapi.json')) as AsyncApi;
  const ajv = new Ajv({ strict: false });
  addFormats.default(ajv);
  ajv.addSchema(closed(asyncApi) as object, 'contract');
  const faultsOf = (channel: string, by: 'client' | 'relay', frame: { readonly type?: string }) => {
    const message = asyncApi.channels[channel]?.messages[`${by}.${frame.type ?? 'question'}`];
    if (message === undefined) return `${channel} has no ${by}.${frame.type}`;
    const name = message.$ref.split('/').at(-1);
    const isValid = ajv.validate({ $ref: `contract#/components/schemas/${name}` }, frame);
    return isValid ? undefined : `${JSON.stringify(frame)}: ${ajv.errorsText()}`;
  };

  /** By channel: where it is, what is said first and after the ending, and what has been heard at the end. */
  const CONVERSATIONS: readonly Conversation[] = [
    {
      channel: 'dash-relay.v1',
      path: '/v1/ws',
      first: { type: 'start', id: 'contract-socket', action: 'chat', messages: MESSAGES },
      ending: 'done',
      later: (bearer) => [
        { type: 'ack', id: 'contract-socket', seq: 1 },
        { type: 'watch' },
        { type: 'start', id: freshId(), action: 'chat', messages: MESSAGES, fresh: true },
        { type: 'resume', id: 'contract-socket', after: 0 },
        { type: 'cancel', id: 'contract-none' },
        { type: 'auth', token: bearer },
        { type: 'ping', t: 'x' },
      ],
      heard: 'hello accepted chunk done resumed error authenticated streams stream pong'.split(' '),
    },
    {
      channel: 'ai-sdk',
      path: '/v1/ai-sdk',
      first: {
        type: 'send',
        requestId: 'r1',
        id: 'contract-chat-2',
        messages: UI_MESSAGES,
        body: { action: 'chat' },
      },
      ending: 'end',
      later: () => [
        { type: 'resume', requestId: 'r2', id: 'contract-none' },
        { type: 'send', requestId: 'r3', id: 'other', messages: UI_MESSAGES, body: { action: 'none' } },
        { type: 'abort', requestId: 'r3' },
      ],
      heard: 'start chunk end no-active error'.split(' '),
    },
    {
      channel: 'ai-gateway-ws',
      path: '/functions/v1/ai-gateway-ws',
      first: { action: 'chat', prompt: 'Why?' },
      heard: 'hello accepted chunk done'.split(' '),
    },
    {
      channel: 'ai-proxy-ws',
      path: '/functions/v1/ai-proxy-ws',
      first: { service_type: 'chat', payload: { prompt: 'Why?' } },
      heard: 'start delta done'.split(' '),
    },
  ];

  it.each(CONVERSATIONS)('is in the document: $channel', async (conversation) => {
    const { channel, path, first, ending, later, heard } = conversation;
    const bearer = await relay.token(7);
    const socket = new WebSocket(relay.url.replace('http', 'ws') + path, 'dash-relay.v1', {
      headers: { authorization: `Bearer ${bearer}` },
    });
    const missing = new Set(heard);
    const faults: (string | undefined)[] = [];
    const ended = Promise.withResolvers<void>();
    const say = (frame: Frame): void => {
      faults.push(faultsOf(channel, 'client', frame));
      socket.send(JSON.stringify(frame));
    };
    socket.on('message', (data) => {
      const frame = JSON.parse(String(data)) as Frame;
      faults.push(faultsOf(channel, 'relay', frame));
      const isFirst = missing.delete(frame.type ?? '');
      if (isFirst && frame.type === ending) for (const next of later?.(bearer) ?? []) say(next);
      if (missing.size === 0) ended.resolve();
    });
    socket.on('open', () => say(first));
    socket.on('upgrade', ({ statusCode, headers }) => {
      faults.push(contract.faultIn(`GET ${path}`, { status: statusCode ?? 0, headers, body: '' }));
    });
    socket.on('error', ended.reject);
    socket.on('close', () => ended.reject(new Error(`closed before ${[...missing].join()}`)));
    await ended.promise;
    socket.close();
    expect(faults.filter((fault) => fault !== undefined)).toEqual([]);
  });
});

it('nothing that a relay answers when all goes well was left out', () => {
  const wanted = [...contract.operations.values()].flatMap(({ operationId, responses }) =>
    Object.keys(responses)
      .filter((status) => Number(status) < 400)
      .map((status) => `${operationId} ${status}`),
  );
  expect(wanted.filter((each) => !contract.seen.has(each))).toEqual([]);
});

interface AsyncApi {
  readonly channels: Readonly<
    Record<string, { readonly messages: Readonly<Record<string, { readonly $ref: string }>> }>
  >;
}

interface Frame {
  readonly type?: string;
  readonly [field: string]: unknown;
}

interface Conversation {
  readonly channel: string;
  readonly path: string;
  readonly first: Frame;
  readonly ending?: string;
  readonly later?: (bearer: string) => readonly Frame[];
  readonly heard: readonly string[];
}

/** Requests that are wrong whatever the route does, with the status of each. */
function foreignRequests(name: string, { security, responses }: Operation): [Asked, number][] {
  const isSocket = '101' in responses;
  const headers = isSocket ? HANDSHAKE : {};
  const requests: [Asked, number][] = [[{ headers: { 'x-long': 'x'.repeat(20_000) } }, 431]];
  if (!isSocket) requests.push([{ token, headers: { 'content-encoding': 'gzip' } }, 415]);
  if (security.length > 0) requests.push([{ headers }, 401], [{ token: 'none', headers }, 401]);
  if (name.startsWith('GET')) return requests;
  const tooLarge = JSON.stringify({ a: 'x'.repeat(300_000) });
  const length = { 'content-length': String(tooLarge.length) }; // which Node leaves out of a DELETE
  if (name.startsWith('DELETE')) return [...requests, [{ token, body: tooLarge, headers: length }, 413]];
  const isFile = name === 'POST /v1/uploads';
  return [
    ...requests,
    [{ token, body: '{' }, isFile ? 415 : 400],
    [{ token, body: tooLarge }, isFile ? 415 : 413],
    [{ token, body: 'a=b', headers: { 'content-type': 'text/plain' } }, 415],
  ];
}

function uploaded(id: string): object {
  return { type: 'image', source: { type: 'upload', id } };
}

async function freeToken(of: SimulatedRelay, user: number): Promise<string> {
  const body = { sub: userId(user), tier: 'free' };
  const answer = await judged(of, 'POST /dev/token', { body });
  return (JSON.parse(answer.body) as { access_token: string }).access_token;
}

/** What is no HTTP, as it is answered. */
async function malformed(of: SimulatedRelay, text: string): Promise<Answer> {
  const { hostname, port } = new URL(of.url);
  const socket = connect(Number(port), hostname);
  socket.end(text);
  let whole = '';
  for await (const part of socket) whole += String(part);
  const [head = '', body = ''] = whole.split('\r\n\r\n');
  const [line = '', ...lines] = head.split('\r\n');
  const headers = Object.fromEntries(lines.map((each) => each.toLowerCase().split(': ')));
  return { status: Number(line.split(' ')[1]), headers, body };
}
