import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ModelTable } from '../../src/models/model-table.ts';
import { BEHAVIOURS } from '../../src/simulator/behaviour.ts';
import { UNPACED } from '../../src/simulator/pacer.ts';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { HEADERS, post, question, sdk } from './ask.ts';

/** The day before the earliest retirement of the table. */
const BEFORE = Date.UTC(2026, 10, 29, 12);
const HOUR = 60 * 60_000;

describe('the simulated Models API', () => {
  const clock = new ManualClock(BEFORE);
  let simulator: Simulator;
  beforeAll(async () => {
    simulator = await startSimulator({ pace: UNPACED, clock });
  });
  afterAll(() => simulator.close());

  const get = async (path: string) => {
    const response = await fetch(`${simulator.url}${path}`, { headers: HEADERS });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  const idsOf = (body: Record<string, unknown>) => (body['data'] as { id: string }[]).map(({ id }) => id);

  it('lists every model of the table and every behaviour, page by page', async () => {
    const ids: string[] = [];
    for await (const { id } of sdk(simulator).models.list({ limit: 7 })) ids.push(id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toHaveLength(ModelTable.load().ids.length + Object.keys(BEHAVIOURS).length);
    expect(ids).toEqual(
      expect.arrayContaining(['claude-sonnet-5-5', 'claude-haiku-4-5-20251001', 'sim:stall']),
    );
  });

  it('has the shape of a page, the newest model first', async () => {
    const { body } = await get('/v1/models?limit=3');
    expect(idsOf(body)).toEqual(['claude-fable-5-2', 'claude-mythos-5-2', 'claude-haiku-5-5']);
    expect(body).toMatchObject({ first_id: 'claude-fable-5-2', last_id: 'claude-haiku-5-5', has_more: true });
    const next = (await get('/v1/models?limit=1000&after_id=claude-haiku-5-5')).body;
    expect(next).toMatchObject({ first_id: 'claude-sonnet-5-5', has_more: false });
    const before = (await get('/v1/models?limit=2&before_id=claude-sonnet-5-5')).body;
    expect(idsOf(before)).toEqual(['claude-mythos-5-2', 'claude-haiku-5-5']);
    expect(before['has_more']).toBe(true);
  });

  it('says of a model what it takes', async () => {
    expect(await sdk(simulator).models.retrieve('claude-sonnet-5-5')).toMatchObject({
      type: 'model',
      id: 'claude-sonnet-5-5',
      display_name: 'Claude Sonnet 5.5',
      line: 'sonnet',
      created_at: '2026-09-28T00:00:00Z',
      lifecycle: 'active',
      deprecated_at: null,
      retires_at: null,
      max_input_tokens: 1_000_000,
      max_tokens: 128_000,
      capabilities: {
        effort: { supported: true, xhigh: { supported: true } },
        thinking: {
          supported: true,
          types: {
            adaptive: { supported: true },
            between_tools: { supported: true },
            disabled: { supported: false },
            enabled: { supported: false },
          },
        },
      },
    });
    const older = await sdk(simulator).models.retrieve('claude-haiku-4-5');
    expect(older).toMatchObject({
      id: 'claude-haiku-4-5-20251001',
      max_tokens: 64_000,
      capabilities: { effort: { supported: false, high: { supported: false } } },
    });
  });

  it.each(['claude-foo', 'claude-3-haiku-20240307', 'gpt-5', 'sim:nothing', '%'])(
    'does not know %s',
    async (id) => {
      const { status, body } = await get(`/v1/models/${id}`);
      expect([status, body['error']]).toEqual([404, expect.objectContaining({ type: 'not_found_error' })]);
      expect((await post(`${simulator.url}/v1/messages`, question('hi', id))).status).toBe(404);
    },
  );

  it.each([
    'limit=0',
    'limit=x',
    'limit=1001',
    'after_id=nobody',
    'after_id=claude-opus-5&before_id=claude-opus-5',
  ])('refuses ?%s', async (query) => {
    expect((await get(`/v1/models?${query}`)).status).toBe(400);
  });

  it('asks for a key and a version that it knows', async () => {
    const asked = (headers: Record<string, string>) => fetch(`${simulator.url}/v1/models`, { headers });
    expect((await asked({})).status).toBe(401);
    expect((await asked({ 'x-api-key': 'k', 'anthropic-version': '1999-01-01' })).status).toBe(400);
  });

  it('lets a model go on the day it retires', async () => {
    const asked = question('hi', 'claude-sonnet-4-5');
    const status = async () => (await post(`${simulator.url}/v1/messages`, asked)).status;
    const told = () => sdk(simulator).models.retrieve('claude-sonnet-4-5');
    expect(await told()).toMatchObject({ lifecycle: 'deprecated', retires_at: '2026-11-30T00:00:00Z' });
    expect(await status()).toBe(200);
    clock.advance(12 * HOUR);
    expect(await told()).toMatchObject({ lifecycle: 'retired', deprecated_at: '2026-10-01T00:00:00Z' });
    expect(await status()).toBe(404);
    expect(idsOf((await get('/v1/models?limit=1000')).body)).not.toContain('claude-sonnet-4-5-20250929');
    const retired = (await get('/v1/models?lifecycle[]=retired')).body;
    expect(idsOf(retired)).toEqual(['claude-sonnet-4-5-20250929']);
  });
});
