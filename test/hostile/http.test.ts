import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { exchange, openRaw } from '../http/raw-client.ts';
import { ask, open, textOf } from '../support/http-doors.ts';
import { eventually, LONG } from '../support/test-run.ts';
import { ALLOWED_ORIGIN } from './handshake-inputs.ts';
import { OutcomeTable } from './outcome-table.ts';
import { ProductionRelay } from './production-relay.ts';

const MAX_BODY = 262_144;
const QUESTION = { action: 'chat', messages: [{ role: 'user', content: 'Why?' }] };
const EVENTS = { accept: 'text/event-stream' };

const table = new OutcomeTable();
let relay: ProductionRelay;
beforeAll(async () => {
  relay = await ProductionRelay.start({ ALLOWED_ORIGINS: ALLOWED_ORIGIN, STREAM_LOG_MAX_BYTES: '33554432' });
});
afterEach(async () => {
  relay.simulator.always();
  await relay.unharmed();
});
afterAll(async () => {
  table.print();
  await relay[Symbol.asyncDispose]();
});

const url = (path: string): string => `${relay.process.url}${path}`;
const post = (body: object | string, headers: Readonly<Record<string, string>> = {}) =>
  ask(url('/v1/chat'), { method: 'POST', token: relay.token(), body, headers });
const askEvents = (fields: object): Promise<IncomingMessage> =>
  open(url('/v1/chat'), {
    method: 'POST',
    token: relay.token(),
    body: { ...QUESTION, ...fields },
    headers: EVENTS,
  });

/** `415 unsupported` */
function outcomeOf({ status, body }: { readonly status: number; readonly body: string }): string {
  const { error } = JSON.parse(body) as { error?: { code: string } };
  return [status, error?.code].join(' ').trim();
}

function questionOf(bytes: number): string {
  const around = JSON.stringify(QUESTION).length - 'Why?'.length;
  return JSON.stringify({ ...QUESTION, messages: [{ role: 'user', content: 'x'.repeat(bytes - around) }] });
}

describe('bodies', () => {
  it.each([
    ['text/plain', { 'content-type': 'text/plain' }],
    ['a form', { 'content-type': 'application/x-www-form-urlencoded' }],
    ['no type', { 'content-type': '' }],
    ['a type that only begins like JSON', { 'content-type': 'application/jsonp' }],
  ])('78 %s → 415', async (what, headers) => {
    const got = outcomeOf(await post(JSON.stringify(QUESTION), headers));
    table.judge(78, what, '415 unsupported', got);
  });

  it('78 gzip → 415', async () => {
    const body = gzipSync(JSON.stringify(QUESTION)).toString('latin1');
    table.judge(78, 'gzip', '415 unsupported', outcomeOf(await post(body, { 'content-encoding': 'gzip' })));
  });

  it('79 one byte over the size → 413', async () => {
    table.judge(79, 'a body of the size', '200', String((await post(questionOf(MAX_BODY))).status));
    table.judge(79, 'one byte over it', '413 too_large', outcomeOf(await post(questionOf(MAX_BODY + 1))));
  });

  if (LONG)
    it('79 a slow body → 408', { timeout: 60_000 }, async () => {
      const client = await openRaw(relay.port);
      const head = `POST /v1/chat HTTP/1.1\r\nHost: relay.example\r\nAuthorization: Bearer ${relay.token()}\r\n`;
      client.send(`${head}Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{`);
      table.judge(79, 'a slow body', '408', (await client.untilClosed()).slice(9, 12));
    });
});

it.each([
  '',
  'x',
  '12',
  '.5',
  'epoch-of-a-run',
  'epoch-of-a-run.-1',
  'epoch-of-a-run.1.5',
  'epoch-of-a-run.1e3',
  'a b.1',
])('80 Last-Event-ID "%s" → 400', async (lastEventId) => {
  const headers = { 'last-event-id': lastEventId };
  const answer = await ask(url('/v1/streams/no-such-run'), { token: relay.token(), headers });
  table.judge(80, `Last-Event-ID "${lastEventId}"`, '400 bad_request', outcomeOf(answer));
});

describe('origins, methods, paths', () => {
  it('81 the preflight of a foreign page → allowed nothing', async () => {
    const headers = { origin: 'https://evil.example', 'access-control-request-method': 'POST' };
    const answer = await ask(url('/v1/chat'), { method: 'OPTIONS', headers });
    const allowed = Object.keys(answer.headers).filter((name) => name.startsWith('access-control-allow'));
    table.judge(81, 'an evil preflight', '', allowed.join());
  });

  it.each([
    ['TRACE /v1/chat', '405'],
    ['TRACE /v1/ws', '405'],
    ['CONNECT relay.example:443', 'closed'],
    ['GET //v1/session', '404'],
    ['GET /v1//session', '404'],
    ['GET /%2e%2e/v1/session', '404'],
    ['GET /v1/%2e%2e/%2e%2e/etc/passwd', '404'],
    ['GET /v1/streams/..%2f..%2fetc', '404'],
    ['GET /v1/%00', '404'],
    ['GET /v1/%', '400'],
  ])('81 %s → %s', async (request, status) => {
    const lines = ['Host: relay.example', 'Connection: close', `Authorization: Bearer ${relay.token()}`];
    const answer = await exchange(relay.port, `${request} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
    table.judge(81, request, status, answer === '' ? 'closed' : answer.slice(9, 12));
  });
});

describe('readers of events', () => {
  it.each([
    ['cancel', 'cancelled'],
    ['resume', 'goes on'],
  ])('82 one that is gone, with onDisconnect "%s" → %s', async (onDisconnect, outcome) => {
    const id = `left-with-${onDisconnect}`;
    const token = relay.token();
    const response = await askEvents({ id, model: 'sim:stall', onDisconnect });
    await once(response, 'data');
    response.destroy();
    const state = async () => (await ask(url(`/v1/streams/${id}/state`), { token })).body;
    if (onDisconnect === 'cancel')
      await eventually('it ends', async () => (await state()).includes('"ended"'));
    const live = (await state()).includes('"live"');
    table.judge(82, `gone, ${onDisconnect}`, outcome, live ? 'goes on' : 'cancelled');
    await ask(url(`/v1/streams/${id}`), { method: 'DELETE', token });
  });

  const long = 'x'.repeat(1000);
  it('83 one that does not read → the answer ends meanwhile, and is whole once it reads on', async () => {
    relay.simulator.always({ deltas: Array<string>(8000).fill(long) });
    const response = await askEvents({ id: 'slowly-read' });
    const live = async () => (await relay.gauges())['live_streams'] ?? 1;
    await eventually('the answer has ended', async () => (await live()) === 0);
    const text = await textOf(response);
    table.judge(83, 'a slow reader', '8000', String(text.split(long).length - 1));
    expect(text).toContain('event: done');
  });

  if (LONG)
    it('83 one that never reads → cut', { timeout: 90_000 }, async () => {
      relay.simulator.always({ deltas: Array<string>(20_000).fill(long) });
      await askEvents({ id: 'never-read' });
      const cut = 'dash_slow_readers_total{outcome="closed"} 1';
      await expect.poll(async () => (await relay.metrics()).includes(cut), { timeout: 80_000 }).toBe(true);
    });
});

describe('reports of answers', () => {
  const WORDS = 'Zebrafink';
  const REPORT = { id: 'report-1', streamId: 'question-1', category: 'wrong' } as const;
  const report = (token: string, body: object | string) =>
    ask(url('/v1/reports'), { method: 'POST', token, body });
  const codeOf = async (token: string, body: object | string): Promise<string> => {
    const { status, body: answer } = await report(token, body);
    return answer === '' ? String(status) : outcomeOf({ status, body: answer });
  };

  it('84 malformed, too long, of others’, without end → refused, and no word is logged', async () => {
    relay.secrets.add(WORDS);
    const others = await textOf(await askEvents({ id: 'reported-answer' }));
    const [, epoch = 'none'] = /"epoch":"([\w-]+)"/.exec(others) ?? [];
    const token = relay.token({ sub: randomUUID() });
    const inputs: readonly (readonly [what: string, body: object | string, outcome: string])[] = [
      ['another’s id', { ...REPORT, userId: randomUUID() }, '400 bad_request'],
      ['a category that is none', { ...REPORT, category: WORDS }, '400 bad_request'],
      ['an id that is none', { ...REPORT, id: '../../etc/passwd' }, '400 bad_request'],
      ['half an epoch', { ...REPORT, epoch: 'x' }, '400 bad_request'],
      ['a prototype', '{"__proto__":{"category":"wrong"}}', '400 bad_request'],
      ['nested 10,000 deep', '['.repeat(10_000), '400 bad_request'],
      ['an answer too long', { ...REPORT, answer: WORDS.repeat(2000) }, '400 bad_request'],
      ['a note too long', { ...REPORT, note: WORDS.repeat(200) }, '400 bad_request'],
      ['a body too large', { ...REPORT, note: WORDS.repeat(20_000) }, '413 too_large'],
      ['another’s answer', { ...REPORT, streamId: 'reported-answer', epoch }, '404 unknown_stream'],
      ['words with NUL and half a pair', { ...REPORT, note: `${WORDS}\0\ud800` }, '204'],
    ];
    for (const [what, body, outcome] of inputs) table.judge(84, what, outcome, await codeOf(token, body));
    const many = relay.token({ sub: randomUUID() });
    const got: string[] = [];
    for (let each = 0; each < 11; each += 1)
      got.push(await codeOf(many, { ...REPORT, id: `report-${each}` }));
    table.judge(84, 'without end', '204 ×10, 429 rate_limited', `${countOf(got, '204')}, ${got.at(-1)}`);
  });
});

function countOf(got: readonly string[], outcome: string): string {
  return `${outcome} ×${got.filter((each) => each === outcome).length}`;
}
