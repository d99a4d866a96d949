/** Requests to count a prompt: they say what is billed, or what the test wants. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BEHAVIOURS } from '../../src/simulator/behaviour.ts';
import { UNPACED } from '../../src/simulator/pacer.ts';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { eventually } from '../support/test-run.ts';
import { HEADERS, post } from './ask.ts';

const MARK = { cache_control: { type: 'ephemeral' } };
const LONG = 'Molo mntwana wam, sidlale. '.repeat(200);
const IMAGE = {
  type: 'image',
  source: { type: 'base64', media_type: 'image/png', data: 'iVBORw0KGgo=' },
};

let simulator: Simulator;
let clock: ManualClock;

beforeEach(async () => {
  clock = new ManualClock();
  simulator = await startSimulator({ pace: UNPACED, clock, keepBodies: true });
});
afterEach(() => simulator.close());

const count = (fields: object, signal?: AbortSignal) =>
  fetch(`${simulator.url}/v1/messages/count_tokens`, {
    method: 'POST',
    headers: HEADERS,
    body: JSON.stringify(fields),
    ...(signal === undefined ? {} : { signal }),
  });

describe('a prompt is counted as it is billed', () => {
  it.each<[string, object]>([
    ['short', { model: 'claude-sonnet-5-5', messages: [{ role: 'user', content: 'Molo' }] }],
    ['of an older tokenizer', { model: 'claude-haiku-4-5', messages: [{ role: 'user', content: LONG }] }],
    [
      'kept by the cache, with settings of its thinking and a format',
      {
        model: 'claude-sonnet-5-5',
        system: [{ type: 'text', text: LONG, ...MARK }],
        thinking: { type: 'between_tools' },
        output_config: {
          effort: 'low',
          format: { type: 'json_schema', schema: { type: 'object', additionalProperties: false } },
        },
        messages: [{ role: 'user', content: [{ type: 'text', text: LONG, ...MARK }] }],
      },
    ],
    [
      'with an image',
      {
        model: 'claude-opus-5',
        messages: [{ role: 'user', content: [IMAGE, { type: 'text', text: 'What?' }] }],
      },
    ],
  ])('%s', async (_, prompt) => {
    const { input_tokens: counted } = (await (await count(prompt)).json()) as { input_tokens: number };
    for (let turn = 0; turn < 2; turn += 1) {
      const { text } = await post(`${simulator.url}/v1/messages`, { ...prompt, max_tokens: 64 });
      const { usage } = JSON.parse(text) as { usage: Record<string, number> };
      const { input_tokens: input = 0 } = usage;
      const { cache_read_input_tokens: read = 0, cache_creation_input_tokens: written = 0 } = usage;
      expect(input + read + written, `turn ${turn}`).toBe(counted);
    }
    expect(simulator.counts).toMatchObject([
      { status: 200, inputTokens: counted, aborted: false, body: prompt },
    ]);
    expect(simulator.requests).toHaveLength(2);
  });
});

describe('a test may have it otherwise', () => {
  const asked = { model: 'claude-sonnet-5-5', messages: [{ role: 'user', content: 'Molo' }] };

  it('another number, later, by the clock', async () => {
    simulator.count({ inputTokens: 777, waitMs: 3_000 });
    const answer = count(asked);
    await eventually('it is asked', () => simulator.counts[0]?.model === 'claude-sonnet-5-5');
    expect(simulator.counts).toMatchObject([{ status: null, inputTokens: null }]);
    clock.advance(3_000);
    expect(await (await answer).json()).toEqual({ input_tokens: 777 });
    simulator.count();
    expect(await (await count(asked)).json()).not.toEqual({ input_tokens: 777 });
  });

  it('refused', async () => {
    simulator.count(BEHAVIOURS['rate-limited']);
    const answer = await count(asked);
    expect(answer.status).toBe(429);
    expect(answer.headers.get('retry-after')).toBe('2');
    expect(simulator.counts).toMatchObject([{ status: 429, inputTokens: null, aborted: false }]);
  });

  it('never, until the client leaves', async () => {
    simulator.count({ silent: true });
    const controller = new AbortController();
    const answer = count(asked, controller.signal);
    await eventually('it is asked', () => simulator.counts[0]?.model === 'claude-sonnet-5-5');
    controller.abort();
    await expect(answer).rejects.toThrow();
    await eventually('it is noticed', () => simulator.counts[0]?.aborted === true);
  });
});
