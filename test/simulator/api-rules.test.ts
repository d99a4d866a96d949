/** What the API takes and refuses beside thinking, and what it says of each request: as documented on 2026-11-28. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UNPACED } from '../../src/simulator/pacer.ts';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { eventsOf, HEADERS, post, question } from './ask.ts';

const STRICT = { ...HEADERS, 'anthropic-version': '2026-10-21' };
const FAST_BETA = { ...HEADERS, 'anthropic-beta': 'fast-mode-2026-02-01' };
const OPUS_4_5 = 'claude-opus-4-5';
/** Before Sonnet 4.5 and the fast mode of Opus 4.8 end. */
const NOW = Date.UTC(2026, 10, 28);

describe('the simulated Messages API', () => {
  let simulator: Simulator;
  beforeAll(async () => {
    simulator = await startSimulator({ pace: UNPACED, clock: new ManualClock(NOW) });
  });
  afterAll(() => simulator.close());

  const ask = (body: object, headers = HEADERS) => post(`${simulator.url}/v1/messages`, body, headers);
  const answer = async (body: object, headers = HEADERS) => {
    const heard = await ask(body, headers);
    expect(heard.status, heard.text).toBe(200);
    return JSON.parse(heard.text) as {
      readonly content: readonly { readonly type: string }[];
      readonly stop_reason: string;
      readonly stop_details: object | null;
      readonly usage: Record<string, unknown>;
      readonly diagnostics: object | null;
      readonly id: string;
    };
  };

  const asked = (model: string, fields: object = {}) => ({ ...question('hi', model), ...fields });
  const last = (role: string, content: unknown) => ({
    messages: [
      { role: 'user', content: 'hi' },
      { role, content },
      { role: 'user', content: 'and' },
    ],
  });
  const prefilled = {
    messages: [
      { role: 'user', content: 'hi' },
      { role: 'assistant', content: 'Well' },
    ],
  };
  const tool = { tools: [{ name: 'look', input_schema: { type: 'object' } }] };
  it.each([
    ['a temperature, by the newest version', 400, OPUS_4_5, { temperature: 1 }, STRICT],
    ['the same by an older one', 200, OPUS_4_5, { temperature: 0.2 }, HEADERS],
    ['the same of a newer model', 400, 'claude-opus-5', { temperature: 0.2 }, HEADERS],
    ['top_k of a newer model', 400, 'claude-sonnet-5', { top_k: 5 }, HEADERS],
    ['an unknown version', 400, OPUS_4_5, {}, { ...HEADERS, 'anthropic-version': '1999-01-01' }],
    [
      'a document of the assistant, newest version',
      400,
      OPUS_4_5,
      last('assistant', [{ type: 'document' }]),
      STRICT,
    ],
    ['role system within, Opus 5', 200, 'claude-opus-5', last('system', 'Be kind.'), HEADERS],
    ['role system within, Sonnet 5', 400, 'claude-sonnet-5', last('system', 'Be kind.'), HEADERS],
    ['a forced tool, Opus 5.5', 400, 'claude-opus-5-5', { ...tool, tool_choice: { type: 'any' } }, HEADERS],
    ['a forced tool, Opus 4.8', 200, 'claude-opus-4-8', { ...tool, tool_choice: { type: 'any' } }, HEADERS],
    ['words to go on from', 200, OPUS_4_5, prefilled, HEADERS],
    [
      'words to go on from, with thinking ahead',
      400,
      OPUS_4_5,
      { ...prefilled, max_tokens: 2000, thinking: { type: 'enabled', budget_tokens: 1024 } },
      HEADERS,
    ],
    ['more than the model can give', 400, 'claude-haiku-4-5', { max_tokens: 128_000 }, HEADERS],
    ['as much as it can give', 200, 'claude-haiku-5-5', { max_tokens: 128_000 }, HEADERS],
    ['fast, of a model that has it', 200, 'claude-opus-5-5', { speed: 'fast' }, HEADERS],
    ['fast, of a preview without its beta', 400, 'claude-opus-5', { speed: 'fast' }, HEADERS],
    ['fast, of a preview with it', 200, 'claude-opus-5', { speed: 'fast' }, FAST_BETA],
    ['fast, Sonnet 5.5', 400, 'claude-sonnet-5-5', { speed: 'fast' }, HEADERS],
    ['the speed of light', 400, 'claude-opus-5-5', { speed: 'light' }, HEADERS],
    ['a place, of a model before 4.6', 400, OPUS_4_5, { inference_geo: 'us' }, HEADERS],
    ['an unknown place', 400, 'claude-opus-5-5', { inference_geo: 'moon' }, HEADERS],
    ['no such tier', 400, 'claude-opus-5-5', { service_tier: 'batch' }, HEADERS],
    ['a diagnosis of nothing', 400, 'claude-opus-5-5', { diagnostics: { previous_message_id: 7 } }, HEADERS],
  ])('judges %s: %d', async (_, status, model, fields, headers) => {
    const heard = await ask(asked(model, fields), headers);
    expect(heard.status, heard.text).toBe(status);
  });

  it('reads a prompt for its cache alone with max_tokens 0', async () => {
    const { content, stop_reason, usage } = await answer(asked('claude-opus-5-5', { max_tokens: 0 }));
    expect([content, stop_reason, usage['output_tokens']]).toEqual([[], 'max_tokens', 0]);
  });

  it.each([
    ['claude-opus-5-5', {}, { inference_geo: 'global', speed: 'standard' }],
    ['claude-opus-5-5', { inference_geo: 'us', speed: 'fast' }, { inference_geo: 'us', speed: 'fast' }],
    ['claude-opus-4-6', { speed: 'fast' }, { speed: 'standard' }],
    [OPUS_4_5, {}, { inference_geo: 'not_available' }],
  ])('says on which terms %s answered %j', async (model, fields, terms) => {
    const { usage } = await answer(asked(model, fields));
    expect(usage).toMatchObject({ ...terms, service_tier: 'standard', server_tool_use: null });
  });

  it('names the terms at the beginning of a stream, and not again', async () => {
    const { text, headers } = await ask(asked('claude-opus-5-5', { stream: true }));
    const all = eventsOf(text) as unknown as { type: string; message?: { usage: object }; usage?: object }[];
    expect(all[0]?.message?.usage).toMatchObject({ inference_geo: 'global', speed: 'standard' });
    expect(all.find(({ type }) => type === 'message_delta')?.usage).not.toHaveProperty('inference_geo');
    expect(headers['anthropic-organization-id']).toBeDefined();
    expect(headers['anthropic-workspace-id']).toBeDefined();
  });

  it('refuses politely: nothing said, or broken off, with a category', async () => {
    const before = await answer(asked('sim:refusal'));
    expect(before).toMatchObject({
      content: [],
      stop_reason: 'refusal',
      stop_details: { category: 'cyber' },
    });
    const midway = await answer(asked('sim:refusal-midway'));
    expect(midway.content).toHaveLength(1);
    expect(midway).toMatchObject({
      stop_reason: 'refusal',
      stop_details: { type: 'refusal', category: 'bio' },
    });
    expect((await answer(asked('sim:answer'))).stop_details).toBeNull();
  });

  it.each([
    ['sim:conflict', 409, 'conflict_error', undefined, 'true'],
    ['sim:too-large', 413, 'request_too_large', undefined, 'false'],
    ['sim:unavailable', 503, 'api_error', undefined, 'true'],
    ['sim:timeout', 504, 'timeout_error', undefined, 'true'],
    ['sim:ramp-limit', 429, 'rate_limit_error', 'ramp_limit_exceeded', 'true'],
    ['sim:linked-spend-limit', 402, 'billing_error', 'linked_organization_spend_limit_reached', 'false'],
    ['sim:own-spend-limit', 400, 'invalid_request_error', undefined, 'false'],
  ])('%s is status %d', async (model, status, type, code, again) => {
    const { status: heard, text, headers } = await ask(asked(model));
    const { error } = JSON.parse(text) as { error: { type: string; details?: { error_code?: string } } };
    expect([heard, error.type, error.details?.error_code]).toEqual([status, type, code]);
    expect(headers['x-should-retry']).toBe(again);
  });

  it('says where a prompt left that of the message before', async () => {
    const diagnose = (previous: string | null, content: string, fields: object = {}) =>
      answer({
        ...asked('claude-opus-5-5', fields),
        messages: [{ role: 'user', content }],
        diagnostics: { previous_message_id: previous },
      });
    const first = await diagnose(null, 'one');
    expect(first.diagnostics).toBeNull();
    expect((await diagnose(first.id, 'one')).diagnostics).toBeNull();
    expect((await diagnose(first.id, 'two')).diagnostics).toMatchObject({
      cache_miss_reason: { type: 'messages_changed' },
    });
    expect((await diagnose(first.id, 'one', { speed: 'fast' })).diagnostics).toMatchObject({
      cache_miss_reason: { type: 'model_changed' },
    });
    expect((await diagnose(first.id, 'one', { system: 'Be kind.' })).diagnostics).toMatchObject({
      cache_miss_reason: { type: 'system_changed' },
    });
    expect((await diagnose('msg_unknown', 'one')).diagnostics).toMatchObject({
      cache_miss_reason: { type: 'previous_message_not_found' },
    });
  });
});
