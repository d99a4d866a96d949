import { existsSync, readFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import type { RelayError } from '../../src/protocol/relay-error.ts';
import type { AttemptFailed } from '../../src/upstream/call.ts';
import type { Upstream } from '../../src/upstream/port.ts';
import { SSE_HEADERS } from './message-script.ts';
import { type ModelServer, startModelServer } from './model-server.ts';
import { openCall, upstreamTo } from './recorded-call.ts';

let server: ModelServer;
let upstream: Upstream;
afterEach(async () => {
  await upstream.close();
  await server.close();
});

/** Answers every request so; `failures` tells each try. */
async function failWith(status: number, headers: Record<string, string>, body: string) {
  server = await startModelServer('h2', (response) => {
    response.writeHead(status, headers);
    response.end(body);
  });
  const failures: AttemptFailed[] = [];
  upstream = upstreamTo(server, { random: () => -0.6, onAttemptFailed: (event) => failures.push(event) });
  const ending = await openCall(upstream).call.ended;
  if (ending.kind !== 'failed') throw new Error(`the call ended as ${ending.kind}`);
  return { error: ending.error, failures };
}

const SECRET = 'sk-secret and the words of a child';
const errorBody = (type: string, errorCode?: string) => {
  const details = errorCode === undefined ? undefined : { error_code: errorCode, hint: SECRET };
  return JSON.stringify({
    type: 'error',
    error: { type, message: SECRET, details },
    request_id: 'req_body',
  });
};

const said = (error: RelayError) => JSON.stringify([error.message, error.cause, error.stack]);

describe('an error response', () => {
  test.each([
    [400, 'invalid_request_error', 'upstream_refused', 1],
    [401, 'authentication_error', 'upstream_account', 1],
    [402, 'billing_error', 'upstream_account', 1],
    [403, 'permission_error', 'upstream_account', 1],
    [404, 'not_found_error', 'upstream_account', 1],
    [401, 'invalid_request_error', 'upstream_account', 1],
    [301, 'a_new_error', 'upstream_account', 1],
    [308, 'a_new_error', 'upstream_account', 1],
    [307, 'a_new_error', 'upstream_error', 2],
    [405, 'a_new_error', 'upstream_account', 1],
    [407, 'a_new_error', 'upstream_account', 1],
    [410, 'a_new_error', 'upstream_account', 1],
    [421, 'a_new_error', 'upstream_error', 2],
    [425, 'a_new_error', 'upstream_error', 2],
    [499, 'a_new_error', 'upstream_error', 2],
    [422, 'a_new_error', 'upstream_refused', 1],
    [413, 'request_too_large', 'upstream_refused', 1],
    [408, 'timeout_error', 'upstream_error', 2],
    [409, 'conflict_error', 'upstream_error', 2],
    [504, 'timeout_error', 'upstream_error', 2],
    [429, 'rate_limit_error', 'upstream_rate_limited', 2],
    [500, 'api_error', 'upstream_error', 2],
    [502, 'api_error', 'upstream_error', 2],
    [503, 'overloaded_error', 'upstream_overloaded', 2],
    [529, 'overloaded_error', 'upstream_overloaded', 2],
  ])('%i (%s) is %s after %i tries, and its words go nowhere', async (status, type, code, tries) => {
    const { error, failures } = await failWith(
      status,
      { 'content-type': 'application/json' },
      errorBody(type),
    );
    expect(error.code).toBe(code);
    expect(error.requestId).toBe('req_body');
    expect(error.cause).toEqual({ status, type, errorCode: null, upstreamRequestId: 'req_body', code: null });
    expect(error.retryable).toBe(tries === 2);
    expect(said(error)).not.toContain('secret');
    expect(JSON.stringify(failures)).not.toContain('secret');
    expect(failures.map(({ willRetry }) => willRetry)).toEqual(tries === 2 ? [true, false] : [false]);
    expect(server.requests).toHaveLength(tries);
  });

  test.each([
    [429, 'rate_limit_error', 'enforced_spend_limit_reached', 'upstream_account', 1],
    [429, 'rate_limit_error', 'contract_spend_limit_reached', 'upstream_account', 1],
    [429, 'rate_limit_error', 'ramp_limit_exceeded', 'upstream_rate_limited', 2],
    [429, 'rate_limit_error', 'a_new_code', 'upstream_rate_limited', 2],
    [400, 'invalid_request_error', 'organization_on_hold', 'upstream_account', 1],
    [400, 'invalid_request_error', 'image_dimensions_too_large', 'upstream_refused', 1],
    [503, 'api_error', 'cmek_key_unreachable', 'upstream_error', 2],
    [404, 'not_found_error', 'thread_not_found', 'upstream_refused', 1],
  ])('%i %s of %s is %s after %i tries', async (status, type, errorCode, code, tries) => {
    const { error, failures } = await failWith(status, {}, errorBody(type, errorCode));
    expect(error.code).toBe(code);
    expect(error.retryable).toBe(tries === 2);
    expect(server.requests).toHaveLength(tries);
    expect(failures[0]).toMatchObject({ status, type, errorCode });
    expect(said(error) + JSON.stringify(failures)).not.toContain('secret');
  });

  test.each(['enforced spend limit', 7, null, 'x'.repeat(65), { secret: SECRET }])(
    'believes no name of %j',
    async (name) => {
      const error = { type: name, message: SECRET, details: { error_code: name } };
      const failed = await failWith(500, {}, JSON.stringify({ error, request_id: name }));
      expect(failed.error.cause).toMatchObject({ type: null, errorCode: null });
      expect(said(failed.error)).not.toContain('secret');
    },
  );

  test.each([
    'r'.repeat(129),
    'what did the child say',
    '<b>req</b>',
    'req"},{"level":60',
    'req\u001b[2J',
    'req_1,req_2',
    'rëq_1',
    '\u202ereq',
  ])('believes no request id of %j, in the body or in the head', async (id) => {
    const body = JSON.stringify({ error: { type: 'api_error' }, request_id: id });
    // A head cannot hold control characters, nor those beyond Latin-1.
    const head = /^[\x20-\xff]*$/.test(id) ? { 'request-id': id } : undefined;
    const { error } = await failWith(500, head ?? {}, body);
    expect(error.requestId).toBeUndefined();
    expect(error.cause).toMatchObject({ upstreamRequestId: null, type: 'api_error' });
  });

  test.each(['false', 'False'])(
    'that must not be asked again (%s) is not, and the client is told so',
    async (advice) => {
      const { error } = await failWith(
        429,
        { 'x-should-retry': advice, 'retry-after': '3' },
        errorBody('rate_limit_error'),
      );
      expect(error).toMatchObject({
        code: 'upstream_rate_limited',
        retryable: false,
        retryAfterMs: undefined,
      });
      expect(server.requests).toHaveLength(1);
    },
  );

  test.each([
    ['an empty body', ''],
    ['a page of a proxy', `<html>${SECRET}</html>`],
    ['JSON of another shape', `["${SECRET}"]`],
    ['a body over the bound', errorBody('api_error') + ' '.repeat(200_000)],
  ])('with %s is known by its status', async (_, body) => {
    const { error } = await failWith(403, { 'request-id': 'req_head' }, body);
    expect(error.code).toBe('upstream_account');
    expect(error.requestId).toBe('req_head');
    expect(said(error)).not.toContain('secret');
  });

  test.each([
    [200, { 'content-type': 'text/html' }],
    [200, {}],
    [202, { 'content-type': 'application/json' }],
    [200, { 'content-type': 'text/event-stream', 'content-encoding': 'gzip' }],
  ])('%i with %j is no answer: upstream_error, and it is not asked twice', async (status, headers) => {
    const { error } = await failWith(
      status,
      { ...headers } as Record<string, string>,
      `<html>${SECRET}</html>`,
    );
    expect(error.code).toBe('upstream_error');
    expect(said(error)).not.toContain('secret');
    expect(server.requests).toHaveLength(1);
  });
});

test.each([204, 304])('%i without a body is upstream_error', async (status) => {
  const { error } = await failWith(status, {}, '');
  expect(error).toMatchObject({ code: 'upstream_error', cause: { status } });
});

describe('the wait an error response asks for', () => {
  const date = 'Sun, 22 Nov 2026 12:00:00 GMT';

  test.each([
    ['seconds', { 'retry-after': '30' }, 30_000],
    ['seconds with a fraction', { 'retry-after': '29.5' }, 29_500],
    ['milliseconds', { 'retry-after-ms': '30000', 'retry-after': '99' }, 30_000],
    ['a date', { date, 'retry-after': 'Sun, 22 Nov 2026 12:01:00 GMT' }, 60_000],
    ['a date of the older form', { date, 'retry-after': 'Sunday, 22-Nov-26 12:01:00 GMT' }, 60_000],
    ['seconds without end', { 'retry-after': '9'.repeat(40) }, 86_400_000],
    ['a date without end', { date, 'retry-after': 'Sun, 22 Nov 9026 12:01:00 GMT' }, 86_400_000],
    [
      'the reset of an exhausted limit',
      {
        date,
        'anthropic-ratelimit-requests-remaining': '7',
        'anthropic-ratelimit-requests-reset': '2026-11-22T13:00:00Z',
        'anthropic-ratelimit-tokens-remaining': '0',
        'anthropic-ratelimit-tokens-reset': '2026-11-22T12:00:09Z',
      },
      9_000,
    ],
  ])('as %s is passed to the client where it is over 5 s, without a second try', async (_, headers, ms) => {
    const { error } = await failWith(
      429,
      { ...headers } as Record<string, string>,
      errorBody('rate_limit_error'),
    );
    expect(error.code).toBe('upstream_rate_limited');
    expect(error.retryAfterMs).toBe(ms);
    expect(server.requests).toHaveLength(1);
  });

  test.each([
    ['soon'],
    ['-5'],
    ['0'],
    ['1e9'],
    ['Infinity'],
    ['in the year 3000'],
    ['Sun, 22 Nov 2020 12:00:00 GMT'],
    ['Sun, 99 Nov 2026 99:00:00 GMT'],
  ])('of %s is as none', async (retryAfter) => {
    const { error } = await failWith(
      429,
      { 'retry-after': retryAfter, 'retry-after-ms': retryAfter },
      errorBody('rate_limit_error'),
    );
    expect(error.retryAfterMs).toBeUndefined();
    expect(server.requests).toHaveLength(2);
  });
});

const CODES: Readonly<Record<number, string>> = {
  400: 'upstream_refused',
  401: 'upstream_account',
  404: 'upstream_account',
  429: 'upstream_rate_limited',
  529: 'upstream_overloaded',
};

const recordings = process.env['RECORDINGS_DIR'];
const manifest = recordings === undefined ? undefined : `${recordings}/manifest.json`;

describe.runIf(manifest !== undefined && existsSync(manifest))('a recorded error response', () => {
  const errors: { name: string; file: string; status: number; error_type: string | null }[] =
    manifest === undefined ? [] : JSON.parse(readFileSync(manifest, 'utf8')).errors;

  test.each(errors)('$name', async ({ file, status, error_type }) => {
    const { headers, body } = JSON.parse(readFileSync(`${recordings}/${file}`, 'utf8'));
    const { error } = await failWith(
      status,
      { ...(headers['request-id'] && { 'request-id': headers['request-id'] }) },
      typeof body === 'string' ? body : JSON.stringify(body),
    );
    const code = CODES[status];
    expect(error.code).toBe(code);
    const type = error_type === 'nonjson' ? null : error_type;
    expect(error.cause).toMatchObject({ status, type });
    expect(error.requestId).toBe(headers['request-id'] ?? body?.request_id ?? undefined);
    if (body?.error?.message) expect(said(error)).not.toContain(body.error.message);
  });
});

test('a body that never ends does not hold the ending back', async () => {
  server = await startModelServer('h2', (response) => {
    response.writeHead(500, SSE_HEADERS);
    const flood = setInterval(() => response.write('x'.repeat(16_384)), 1);
    response.on('close', () => clearInterval(flood));
  });
  upstream = upstreamTo(server, { random: () => -0.6 });
  expect(await openCall(upstream).call.ended).toMatchObject({
    kind: 'failed',
    error: { code: 'upstream_error' },
  });
  await server.idle();
});
