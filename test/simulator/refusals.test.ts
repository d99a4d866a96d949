import Anthropic from '@anthropic-ai/sdk';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UNPACED } from '../../src/simulator/pacer.ts';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { HEADERS, MODEL, post, question, sdk } from './ask.ts';

describe('refusals', () => {
  let simulator: Simulator;
  beforeAll(async () => {
    simulator = await startSimulator({ pace: UNPACED });
  });
  afterAll(() => simulator.close());

  it.each([
    ['sim:overloaded', 529, 'overloaded_error'],
    ['sim:rate-limited', 429, 'rate_limit_error'],
    ['sim:error', 500, 'api_error'],
    ['sim:bad-request', 400, 'invalid_request_error'],
    ['sim:unauthorized', 401, 'authentication_error'],
    ['sim:forbidden', 403, 'permission_error'],
    ['sim:not-found', 404, 'not_found_error'],
    ['sim:unpaid', 402, 'billing_error'],
    ['sim:spend-limit', 429, 'rate_limit_error'],
    ['no-such-model', 404, 'not_found_error'],
    ['sim:no-such-behaviour', 404, 'not_found_error'],
    ['sim:toString', 404, 'not_found_error'],
  ])('%s is an error of the SDK with status %d', async (model, status, type) => {
    const refused = sdk(simulator).messages.create({ ...question('hi', model), stream: true });
    const error: unknown = await refused.then(
      () => undefined,
      (cause: unknown) => cause,
    );
    if (!(error instanceof Anthropic.APIError)) throw new Error('not an APIError');
    expect(error.status).toBe(status);
    expect(error.type).toBe(type);
    expect(error.requestID).toBe(simulator.requests.at(-1)?.id);
    expect(simulator.requests.at(-1)).toMatchObject({
      status,
      aborted: false,
      usage: null,
      tokensGenerated: 0,
    });
  });

  it('says what a spent limit is, and that asking again is no use', async () => {
    const { headers, text } = await post(`${simulator.url}/v1/messages`, question('hi', 'sim:spend-limit'));
    expect(JSON.parse(text)).toMatchObject({
      error: { details: { error_code: 'enforced_spend_limit_reached' } },
    });
    expect(headers['retry-after']).toBeUndefined();
    expect(headers['x-should-retry']).toBe('false');
  });

  const asked = { role: 'user', content: 'hi' };
  const said = (content: unknown) => ({ role: 'assistant', content });
  const blocks = (...texts: string[]) => texts.map((text) => ({ type: 'text', text }));
  it.each([
    ['blank words of an assistant', 400, MODEL, [asked, said(' '), asked]],
    ['blank words of another alphabet', 400, MODEL, [asked, said('\u00a0\u2003\u3000\u0085\u2028'), asked]],
    ['a blank block alone', 400, MODEL, [asked, said(blocks('\n\n')), asked]],
    ['blank blocks alone', 400, MODEL, [asked, said(blocks(' ', '\t')), asked]],
    ['a blank block beside words', 200, MODEL, [asked, said(blocks(' ', 'yes')), asked]],
    ['blank words of a user', 400, MODEL, [{ role: 'user', content: '\n' }]],
    ['letters that show nothing', 200, MODEL, [asked, said('\u200b'), asked]],
    ['the assistant last', 400, MODEL, [asked, said('Because')]],
    ['the assistant last, to a model of 4.6', 400, 'claude-opus-4-6', [asked, said('Because')]],
    ['the assistant last, to a model of 4.5', 200, 'claude-haiku-4-5-20251001', [asked, said('Because')]],
    ['the same with a space behind', 400, 'claude-haiku-4-5', [asked, said('Because ')]],
  ])('judges %s: %d', async (_, status, model, messages) => {
    const heard = await post(`${simulator.url}/v1/messages`, { ...question('', model), messages });
    expect(heard.status).toBe(status);
  });

  it('says when to come back after 429', async () => {
    const { headers } = await post(`${simulator.url}/v1/messages`, question('hi', 'sim:rate-limited'));
    expect(headers['retry-after']).toBe('2');
    expect(headers['anthropic-ratelimit-requests-limit']).toBeDefined();
  });

  it('fails as often as it is told and then answers', async () => {
    simulator.script('overloaded', 'error');
    const statuses: number[] = [];
    for (let i = 0; i < 3; i++)
      statuses.push((await post(`${simulator.url}/v1/messages`, question('hi'))).status);
    expect(statuses).toEqual([529, 500, 200]);
  });

  it('does the same always until it is told otherwise', async () => {
    simulator.always((request) => (request.userHash === null ? 'overloaded' : 'answer'));
    const anonymous = await post(`${simulator.url}/v1/messages`, question('hi'));
    const known = await post(`${simulator.url}/v1/messages`, {
      ...question('hi'),
      metadata: { user_id: 'u' },
    });
    simulator.always();
    const after = await post(`${simulator.url}/v1/messages`, question('hi'));
    expect([anonymous.status, known.status, after.status]).toEqual([529, 200, 200]);
  });

  const good = question('hi');
  it.each([
    ['no JSON', '{', 400],
    ['an array', '[]', 400],
    ['no model', { ...good, model: undefined }, 400],
    ['no max_tokens', { ...good, max_tokens: undefined }, 400],
    ['max_tokens 0 with a stream', { ...good, max_tokens: 0, stream: true }, 400],
    ['max_tokens below 0', { ...good, max_tokens: -1 }, 400],
    ['max_tokens as text', { ...good, max_tokens: '9' }, 400],
    ['max_tokens 1e9', { ...good, max_tokens: 1e9 }, 400],
    ['no messages', { ...good, messages: [] }, 400],
    ['role system', { ...good, messages: [{ role: 'system', content: 'x' }] }, 400],
    ['assistant first', { ...good, messages: [{ role: 'assistant', content: 'x' }] }, 400],
    ['empty content', { ...good, messages: [{ role: 'user', content: '' }] }, 400],
    [
      'an empty text block',
      { ...good, messages: [{ role: 'user', content: [{ type: 'text', text: '' }] }] },
      400,
    ],
    ['a lone surrogate', { ...good, messages: [{ role: 'user', content: 'x\ud800' }] }, 400],
    ['an unknown field', { ...good, epoch: 'x' }, 400],
    ['a user id too long', { ...good, metadata: { user_id: 'x'.repeat(257) } }, 400],
    ['stream as text', { ...good, stream: 'yes' }, 400],
  ])('judges %s', async (_, body, status) => {
    const heard = await post(`${simulator.url}/v1/messages`, body);
    expect(heard.status).toBe(status);
    expect(JSON.parse(heard.text)).toMatchObject({ type: 'error', error: { type: 'invalid_request_error' } });
  });

  it.each([
    ['x-api-key', 401],
    ['anthropic-version', 400],
    ['content-type', 400],
  ])('misses the header %s', async (name, status) => {
    const headers = Object.fromEntries(Object.entries(HEADERS).filter(([header]) => header !== name));
    expect((await post(`${simulator.url}/v1/messages`, good, headers)).status).toBe(status);
  });

  it('knows no other path', async () => {
    expect((await post(`${simulator.url}/v1/complete`, { model: MODEL })).status).toBe(404);
  });
});
