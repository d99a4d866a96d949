import { afterEach, describe, expect, test } from 'vitest';
import type { AccountFailure } from '../../src/upstream/account.ts';
import type { AnthropicUpstream } from '../../src/upstream/anthropic.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { SSE_HEADERS, wholeMessage } from './message-script.ts';
import { type ModelResponse, type ModelServer, startModelServer, type Wire } from './model-server.ts';
import { openCall, upstreamTo } from './recorded-call.ts';

const SECRET = 'words of the account';
let server: ModelServer;
let upstream: AnthropicUpstream;
let clock: ManualClock;
let failures: AccountFailure[];
let recoveries: number;
/** What the API says next, of the key and to questions; null: it answers. */
let key: readonly [status: number, type: string] | null;
let money: readonly [status: number, type: string] | null;

async function serve(wire: Wire = 'h2', options: { answerKey?: (response: ModelResponse) => void } = {}) {
  key = null;
  money = null;
  failures = [];
  recoveries = 0;
  clock = new ManualClock();
  server = await startModelServer(wire, (response, _call, request) => {
    if (request.url?.startsWith('/v1/models') && options.answerKey) options.answerKey(response);
    else if (request.method === 'GET') say(response, key, '{"data":[]}', 'application/json');
    else say(response, money, wholeMessage('all'), SSE_HEADERS['content-type']);
  });
  upstream = upstreamTo(server, {
    clock,
    onAccountFailed: (failure) => failures.push(failure),
    onAccountRecovered: () => {
      recoveries += 1;
    },
  });
}

function say(response: ModelResponse, refusal: typeof key, body: string, type: string): void {
  if (refusal === null) {
    response.writeHead(200, { 'content-type': type });
    response.end(body);
    return;
  }
  const [status, name] = refusal;
  response.writeHead(status, { 'content-type': 'application/json', 'request-id': 'req_head' });
  response.end(JSON.stringify({ type: 'error', error: { type: name, message: SECRET } }));
}

afterEach(async () => {
  await upstream.close();
  await server.close();
});

const ask = () => openCall(upstream).call.ended;

describe('the check at the start', () => {
  test.each<Wire>(['h2', 'https', 'http'])('asks a free question with the key, over %s', async (wire) => {
    await serve(wire);
    await upstream.checkAccount();
    expect(upstream.account).toMatchObject({ state: 'unknown', hasWorked: false });
    expect(server.requests).toHaveLength(1);
    expect(server.requests[0]?.headers).toMatchObject({ authorization: 'Bearer test-key' });
    expect(server.requests[0]?.body).toBe('');
    expect(failures).toEqual([]);
  });

  test.each([
    [401, 'authentication_error'],
    [402, 'billing_error'],
    [403, 'permission_error'],
  ])('tells of %i, with names alone', async (status, type) => {
    await serve();
    key = [status, type];
    await upstream.checkAccount();
    expect(upstream.account.state).toBe('fails');
    expect(failures).toEqual([{ status, type, errorCode: null, upstreamRequestId: 'req_head' }]);
  });

  test.each([
    [404, 'not_found_error'],
    [429, 'rate_limit_error'],
    [500, 'api_error'],
    [302, 'elsewhere'],
  ])('concludes nothing from %i', async (status, type) => {
    await serve();
    key = [status, type];
    await upstream.checkAccount();
    expect(upstream.account.state).toBe('unknown');
    expect(failures).toEqual([]);
  });

  test.each([
    ['a page instead of an error', `<p>${SECRET}</p>`],
    ['an endless page', 'x'.repeat(100_000)],
  ])('takes %s for what its status says', async (_, page) => {
    const answerKey = (response: ModelResponse) => {
      response.writeHead(403);
      response.write(page);
      if (page.length < 100) response.end();
    };
    await serve('h2', { answerKey });
    await upstream.checkAccount();
    expect(failures).toMatchObject([{ status: 403, type: null }]);
  });

  test('holds nothing up where nobody answers, and counts when it does', async () => {
    const late = Promise.withResolvers<ModelResponse>();
    await serve('h2', { answerKey: late.resolve });
    const checked = upstream.checkAccount();
    const response = await late.promise;
    clock.advance(2_000);
    await checked;
    expect(upstream.account.state).toBe('unknown');
    say(response, [401, 'authentication_error'], '', '');
    await expect.poll(() => upstream.account.state).toBe('fails');
  });

  test('is given up after ten seconds', async () => {
    const asked = Promise.withResolvers<ModelResponse>();
    await serve('h2', { answerKey: asked.resolve });
    void upstream.checkAccount();
    await asked.promise;
    clock.advance(10_000);
    await server.idle();
    expect(upstream.account.state).toBe('unknown');
  });

  test('concludes nothing where the API cannot be reached', async () => {
    await serve();
    await server.close();
    await upstream.checkAccount();
    expect(upstream.account.state).toBe('unknown');
  });
});

describe('what users’ questions show', () => {
  test('an answer shows that it works', async () => {
    await serve();
    await ask();
    expect(upstream.account).toMatchObject({ state: 'works', hasWorked: true });
  });

  test('a refusal for its sake is told at once, and each minute while it lasts', async () => {
    await serve();
    money = [402, 'billing_error'];
    for (let question = 0; question < 5; question += 1) {
      expect(await ask()).toMatchObject({ kind: 'failed', error: { code: 'upstream_account' } });
    }
    expect(upstream.account.state).toBe('fails');
    expect(failures).toEqual(
      [{ status: 402, type: 'billing_error', errorCode: null, upstreamRequestId: 'req_head' }].map(
        (failure) => expect.objectContaining(failure),
      ),
    );
    money = [403, 'permission_error'];
    await ask();
    expect(failures).toHaveLength(2);
    clock.advance(60_000);
    await ask();
    expect(failures).toHaveLength(3);
    expect(JSON.stringify(failures)).not.toContain(SECRET);
  });

  test('what is wrong with one model is told, and not taken for the account', async () => {
    await serve();
    await ask();
    money = [404, 'not_found_error'];
    expect(await ask()).toMatchObject({ error: { code: 'upstream_account' } });
    expect(upstream.account.state).toBe('works');
    expect(failures).toMatchObject([{ status: 404 }]);
  });

  test('what is wrong with a question is not the account’s', async () => {
    await serve();
    money = [400, 'invalid_request_error'];
    await ask();
    expect(upstream.account.state).toBe('unknown');
    expect(failures).toEqual([]);
  });

  test('the key is asked about each minute, and an answer ends it', async () => {
    await serve();
    money = [401, 'authentication_error'];
    key = money;
    await ask();
    clock.advance(60_000);
    await expect.poll(() => server.requests.length).toBe(2);
    await server.idle();
    expect(upstream.account.state).toBe('fails');
    key = null;
    clock.advance(60_000);
    await expect.poll(() => upstream.account.state).toBe('unknown');
    money = null;
    await ask();
    expect(upstream.account.state).toBe('works');
    expect(recoveries).toBe(1);
    const asked = server.requests.length;
    clock.advance(600_000);
    expect(server.requests).toHaveLength(asked);
  });

  test('is told of once when it works again', async () => {
    await serve();
    money = [402, 'billing_error'];
    await ask();
    money = null;
    await ask();
    await ask();
    expect(recoveries).toBe(1);
    expect(upstream.account.state).toBe('works');
  });
});
