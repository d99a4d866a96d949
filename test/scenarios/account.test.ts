/** An account at the model's API that does not work is the operator's business, and is told as that. */
import { describe, expect, it } from 'vitest';
import { UNPACED } from '../../src/simulator/pacer.ts';
import { ask } from '../support/http-doors.ts';
import { connectClient } from '../support/relay-client.ts';
import {
  type ComposedRelay,
  startRelay,
  startSimulatedRelay,
  type TestRelay,
  upstreamAt,
} from '../support/relay-process.ts';
import { type ModelServer, startModelServer } from '../upstream/model-server.ts';

const FAILS = /account at the model's API does not work/;

async function readiness(relay: TestRelay) {
  const { status, body } = await ask(`${relay.url}/readyz`);
  const { switches, ...said } = JSON.parse(body) as { readonly switches: object };
  expect(switches).toBeTypeOf('object');
  return { status, ...said };
}

async function endingOf(relay: TestRelay, model?: string) {
  await using client = await connectClient({ url: relay.url, token: await relay.token() });
  return await client.ended(client.start(model === undefined ? {} : { model }));
}

async function gauge(relay: TestRelay): Promise<string | undefined> {
  const { body } = await ask(`${relay.url}/metrics`);
  return /^dash_upstream_account_fails (\d)$/m.exec(body)?.[1];
}

const errorLines = (relay: TestRelay) =>
  relay.logLines.filter(({ level, msg }) => level === 'error' && FAILS.test(String(msg)));

describe('at the start', () => {
  async function startBefore(status: number, type: string) {
    const body = JSON.stringify({ type: 'error', error: { type, message: 'invalid key sk-canary' } });
    const server: ModelServer = await startModelServer('http', (response) => {
      response.writeHead(status, { 'content-type': 'application/json', 'request-id': 'req_of_the_check' });
      response.end(body);
    });
    const relay: ComposedRelay = await startRelay(upstreamAt(server.baseURL));
    return {
      relay,
      async [Symbol.asyncDispose]() {
        await relay[Symbol.asyncDispose]();
        await server.close();
      },
    };
  }

  it('a key that is refused is an error in the log, and the relay is not ready', async () => {
    await using started = await startBefore(401, 'authentication_error');
    const { relay } = started;
    expect(errorLines(relay)).toMatchObject([
      { status: 401, type: 'authentication_error', errorCode: null, upstreamRequestId: 'req_of_the_check' },
    ]);
    expect(await readiness(relay)).toEqual({
      status: 'upstream_account',
      dependencies: { account: 'down' },
    });
    expect((await ask(`${relay.url}/readyz`)).status).toBe(503);
    expect((await ask(`${relay.url}/healthz`)).status).toBe(200);
    expect(await gauge(relay)).toBe('1');
    expect(relay.logText.join('')).not.toContain('canary');
    // Who comes all the same is told why.
    expect(await endingOf(relay)).toMatchObject({ type: 'error', code: 'upstream_account' });
  });

  it.each([
    [404, 'not_found_error'],
    [500, 'api_error'],
  ])('a check without a verdict (%d) holds nothing up', async (status, type) => {
    await using started = await startBefore(status, type);
    expect(await readiness(started.relay)).toMatchObject({ status: 'ready' });
    expect(errorLines(started.relay)).toEqual([]);
  });
});

describe('a question that the account is refused for', () => {
  it.each([
    ['sim:unauthorized', 401, 'authentication_error', null],
    ['sim:unpaid', 402, 'billing_error', null],
    ['sim:forbidden', 403, 'permission_error', null],
    ['sim:spend-limit', 429, 'rate_limit_error', 'enforced_spend_limit_reached'],
  ])(
    '%s is told to the client by its code and to the operator by its names',
    async (model, status, type, errorCode) => {
      await using relay = await startSimulatedRelay({ pace: UNPACED });
      const ending = await endingOf(relay, model);
      expect(ending).toMatchObject({ type: 'error', code: 'upstream_account', retryable: false });
      expect(relay.simulator.requests).toHaveLength(1);
      expect(errorLines(relay)).toMatchObject([{ status, type, errorCode }]);
      const [ended] = await relay.logged('stream ended');
      expect(ended).toMatchObject({
        level: 'error',
        code: 'upstream_account',
        cause: { status, type, ...(errorCode === null ? {} : { errorCode }) },
      });
      expect((await readiness(relay)).status).toBe('upstream_account');
      expect(await gauge(relay)).toBe('1');
    },
  );

  it('that it answered before leaves the relay ready, and says so', async () => {
    await using relay = await startSimulatedRelay({ pace: UNPACED });
    expect(await readiness(relay)).toEqual({ status: 'ready', dependencies: { account: 'up' } });
    expect(await endingOf(relay)).toMatchObject({ type: 'done' });
    await endingOf(relay, 'sim:unpaid');
    expect(await readiness(relay)).toEqual({ status: 'ready', dependencies: { account: 'down' } });
    expect(await endingOf(relay)).toMatchObject({ type: 'done' });
    expect(await readiness(relay)).toEqual({ status: 'ready', dependencies: { account: 'up' } });
    expect(await gauge(relay)).toBe('0');
    expect(relay.logLines.filter(({ msg }) => /works again/.test(String(msg)))).toHaveLength(1);
  });

  it('of one model is told, and is not the account', async () => {
    await using relay = await startSimulatedRelay({ pace: UNPACED });
    expect(await endingOf(relay, 'sim:not-found')).toMatchObject({ code: 'upstream_account' });
    expect(errorLines(relay)).toMatchObject([{ status: 404, type: 'not_found_error' }]);
    expect((await readiness(relay)).status).toBe('ready');
  });

  it('is 503 without Retry-After over HTTP', async () => {
    await using relay = await startSimulatedRelay({ pace: UNPACED });
    const body = { action: 'chat', model: 'sim:unpaid', messages: [{ role: 'user', content: 'why?' }] };
    const token = await relay.token();
    for (const path of ['/v1/chat', '/functions/v1/ai-gateway']) {
      const answer = await ask(`${relay.url}${path}`, { method: 'POST', token, body });
      expect(answer.status).toBe(503);
      expect(answer.headers['retry-after']).toBeUndefined();
      expect(answer.body).toContain('upstream_account');
    }
  });

  it('is not said of every failure: other causes keep their names too', async () => {
    await using relay = await startSimulatedRelay({ pace: UNPACED });
    await endingOf(relay, 'sim:overloaded');
    expect((await relay.logged('stream ended'))[0]).toMatchObject({
      level: 'info',
      cause: { status: 529, type: 'overloaded_error' },
    });
    expect(errorLines(relay)).toEqual([]);
  });
});

it('a limit that asks for a wait passes it on at every door', async () => {
  await using relay = await startSimulatedRelay({ pace: UNPACED });
  const body = { action: 'chat', model: 'sim:rate-limited', messages: [{ role: 'user', content: 'why?' }] };
  const token = await relay.token();
  for (const path of ['/v1/chat', '/functions/v1/ai-gateway']) {
    const answer = await ask(`${relay.url}${path}`, { method: 'POST', token, body });
    expect(answer.status).toBe(503);
    expect(answer.headers['retry-after']).toBe('2');
  }
});
