/** The old framing of streams, how they fail, and the errors of quotas, as callers of the old functions meet them. */
import { describe, expect, it } from 'vitest';
import { type SimulatedRelay, startSimulatedRelay } from '../support/relay-process.ts';
import { plansFile } from '../usage/quota/plan-files.ts';
import { differences, readAsTheAppDid, SHAPES } from './shapes.ts';

const PACE = { firstTokenMs: 1, deltasPerSecond: 2000 } as const;
const GATEWAY = '/functions/v1/ai-gateway';
const PROXY = '/functions/v1/ai-proxy';
const WORK = { action: 'grading_assistance_stream', submission: 'Half of ten is five.' };
const CHAT = { action: 'chat', prompt: 'Why?', stream: true };

async function post(
  relay: SimulatedRelay,
  path: string,
  body: object,
  signal?: AbortSignal,
): Promise<Response> {
  return await fetch(relay.url + path, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      connection: 'close',
      authorization: `Bearer ${await relay.token()}`,
    },
    body: JSON.stringify(body),
    ...(signal === undefined ? {} : { signal }),
  });
}

function bodyOf({ body }: Response): ReadableStream<Uint8Array> {
  if (body === null) throw new Error('an answer without a body');
  return body;
}

describe('a reader of that time', () => {
  it.each([WORK, CHAT])('gets every character, also of pairs split over two deltas: %j', async (body) => {
    await using relay = await startSimulatedRelay({ pace: PACE });
    const deltas = ['"Half" \\ ', 'of\n\nten ', '½ ', '\ud83c', '\udf89', ' data: [DONE]'];
    relay.simulator.always({ deltas });
    const { text, types, final } = await readAsTheAppDid(bodyOf(await post(relay, GATEWAY, body)));
    expect(text).toBe(deltas.join(''));
    expect(types.filter((type) => type === '[DONE]')).toHaveLength(1);
    if (body === WORK) expect(final).toEqual({ type: 'final', feedback: text });
  });

  it('has no feedback of a model that declined midway', async () => {
    await using relay = await startSimulatedRelay({ pace: PACE });
    relay.simulator.always('refusal-midway');
    const { text, types, final } = await readAsTheAppDid(bodyOf(await post(relay, GATEWAY, WORK)));
    expect(text).not.toBe('');
    expect(final).toEqual({ type: 'final', feedback: '' });
    expect(types.at(-1)).toBe('[DONE]');
  });

  it('is told of what failed before the first word by a status, not by a stream', async () => {
    await using relay = await startSimulatedRelay({ pace: PACE });
    const overloaded = await post(relay, GATEWAY, { ...CHAT, model: 'sim:overloaded' });
    expect([overloaded.status, overloaded.headers.get('content-type')]).toEqual([
      503,
      'application/json; charset=utf-8',
    ]);
    expect(differences(SHAPES['gateway error'] ?? {}, await overloaded.json())).toEqual([]);
    const proxied = await post(relay, PROXY, {
      service_type: 'chat_message',
      payload: { prompt: 'Why?', model: 'sim:overloaded' },
      stream: true,
    });
    expect(await proxied.json()).toMatchObject({
      error: 'provider_error',
      error_code: 'provider_unavailable',
    });
  });

  it('of a stream that breaks gets an error event and no [DONE], and its reading fails', async () => {
    await using relay = await startSimulatedRelay({ pace: PACE });
    const response = await post(relay, GATEWAY, { ...CHAT, model: 'sim:overloaded-midway' });
    expect(response.status).toBe(200);
    const said: string[] = [];
    const reading = (async () => {
      for await (const part of bodyOf(response)) said.push(Buffer.from(part).toString());
    })();
    await expect(reading).rejects.toThrow('terminated');
    const text = said.join('');
    expect(text).toContain('"type":"content_block_delta"');
    expect(text).toContain('{"type":"error","error":"upstream_overloaded","message":');
    expect(text).not.toContain('[DONE]');
  });

  it('that goes ends its run, before the first word and behind it', async () => {
    await using relay = await startSimulatedRelay({ pace: PACE });
    for (const model of ['sim:silent', 'sim:stall']) {
      const gone = new AbortController();
      const answering = post(relay, GATEWAY, { ...CHAT, model }, gone.signal);
      if (model === 'sim:stall')
        await bodyOf(await answering)
          .getReader()
          .read();
      else while (relay.simulator.requests.length === 0) await new Promise(setImmediate);
      gone.abort();
      await answering.catch(() => {});
    }
    const ended = await relay.logged('stream ended', 2);
    expect(ended.map(({ status, abortReason }) => [status, abortReason])).toEqual([
      ['cancelled', 'disconnected'],
      ['cancelled', 'disconnected'],
    ]);
    expect(relay.logLines.filter(({ level }) => level === 'error')).toEqual([]);
  });
});

it('a quota that is used up has the figures where each function had them', async () => {
  const PLANS_FILE = plansFile({ plans: { enterprise: { requestsPerActionPerMonth: 1 } } });
  await using relay = await startSimulatedRelay({ pace: PACE }, { PLANS_FILE });
  expect((await post(relay, GATEWAY, { action: 'chat', prompt: 'Why?' })).status).toBe(200);
  const gateway = await post(relay, GATEWAY, { action: 'chat', prompt: 'Why?' });
  const proxy = await post(relay, PROXY, { service_type: 'chat_message', payload: { prompt: 'Why?' } });
  expect([gateway.status, proxy.status]).toEqual([429, 429]);
  const [atGateway, atProxy] = [await gateway.json(), await proxy.json()];
  expect(atGateway).toMatchObject({ error: 'quota_exceeded', used: 1, limit: 1 });
  expect(differences(SHAPES['gateway quota error'] ?? {}, atGateway)).toEqual([]);
  expect(atProxy).toMatchObject({
    error: 'quota_exceeded',
    error_code: 'quota_exceeded',
    retryable: false,
    details: { usage_count: 1, limit: 1, tier: 'enterprise' },
  });
  expect(differences(SHAPES['proxy quota error'] ?? {}, atProxy)).toEqual([]);
});
