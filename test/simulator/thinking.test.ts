/** How the simulated models think: as the documentation of each says, read on 2026-11-28 (docs/models.md). */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UNPACED } from '../../src/simulator/pacer.ts';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { eventsOf, HEADERS, post, question, until } from './ask.ts';

const SONNET = 'claude-sonnet-5-5';
const COUNTED = { ...HEADERS, 'anthropic-beta': 'other-beta, thinking-token-count-2026-05-13' };

interface BlockEvent {
  readonly type: string;
  readonly index?: number;
  readonly content_block?: { readonly type: string };
  readonly delta?: {
    readonly type?: string;
    readonly thinking?: string;
    readonly signature?: string;
    readonly estimated_tokens?: number | null;
    readonly stop_reason?: string;
  };
  readonly usage?: {
    readonly output_tokens: number;
    readonly output_tokens_details: { readonly thinking_tokens: number };
  };
}

describe('a simulated model', () => {
  let simulator: Simulator;
  beforeAll(async () => {
    simulator = await startSimulator({ pace: UNPACED, seed: 'test' });
  });
  afterAll(() => simulator.close());

  const asked = (model: string, fields: object = {}) => ({
    ...question('Explain gravity', model),
    stream: true,
    ...fields,
  });
  const events = async (body: object, headers = HEADERS): Promise<readonly BlockEvent[]> => {
    const heard = await post(`${simulator.url}/v1/messages`, body, headers);
    expect(heard.status, heard.text).toBe(200);
    return eventsOf(heard.text) as readonly BlockEvent[];
  };
  const blocksOf = (all: readonly BlockEvent[]) => all.flatMap((event) => event.content_block?.type ?? []);
  const billOf = (all: readonly BlockEvent[]) => {
    const usage = all.findLast(({ type }) => type === 'message_delta')?.usage;
    if (usage === undefined) throw new Error('no bill');
    return { output: usage.output_tokens, thought: usage.output_tokens_details.thinking_tokens };
  };

  it('thinks first where nothing is said of it, unseen, and counts it', async () => {
    const all = await events(asked(SONNET));
    const thinking = all.filter(({ index, type }) => index === 0 && type === 'content_block_delta');
    expect(blocksOf(all)).toEqual(['thinking', 'text']);
    expect(thinking.map(({ delta }) => delta?.type)).toEqual(['signature_delta']);
    expect(thinking[0]?.delta?.signature?.length).toBeGreaterThan(100);
    const { output, thought } = billOf(all);
    expect(thought).toBeGreaterThan(100);
    expect(output).toBeGreaterThan(thought);
  });

  it('shows a summary where it is asked for', async () => {
    const all = await events(asked(SONNET, { thinking: { type: 'adaptive', display: 'summarized' } }));
    const shown = all.filter(({ delta }) => delta?.type === 'thinking_delta');
    expect(shown.map(({ delta }) => delta?.thinking).join('')).toContain('gravity');
  });

  it.each([
    [SONNET, 'between_tools'],
    ['claude-opus-5', 'disabled'],
    ['claude-haiku-5-5', 'disabled'],
  ])('%s thinks nothing with %s', async (model, type) => {
    const all = await events(asked(model, { thinking: { type } }));
    expect(blocksOf(all)).toEqual(['text']);
    expect(billOf(all).thought).toBe(0);
  });

  it('thinks the more the higher the effort is', async () => {
    const thought: number[] = [];
    for (const effort of ['low', 'medium', 'high', 'xhigh', 'max'])
      thought.push(billOf(await events(asked(SONNET, { output_config: { effort } }))).thought);
    expect(thought).toEqual(thought.toSorted((a, b) => a - b));
    expect(new Set(thought).size).toBe(5);
    const usual = billOf(await events(asked(SONNET))).thought;
    expect(usual, 'high is its default').toBe(thought[2]);
    const opus = billOf(await events(asked('claude-opus-5-5'))).thought;
    expect(opus, 'medium is the default of Opus 5.5').toBe(thought[1]);
  });

  it('can think away all that it may say, and is billed for it', async () => {
    const all = await events(asked(SONNET, { max_tokens: 100 }));
    expect(blocksOf(all)).toEqual(['thinking']);
    expect(all.find(({ delta }) => delta?.stop_reason !== undefined)?.delta?.stop_reason).toBe('max_tokens');
    expect(billOf(all)).toEqual({ output: 100, thought: 100 });
  });

  it('thinks no more than its budget', async () => {
    const model = 'claude-opus-4-5';
    const thinking = { type: 'enabled', budget_tokens: 1_024 };
    const deep = await startSimulator({ pace: UNPACED, seed: 'test', thinkingTokens: 50_000 });
    const { text } = await post(`${deep.url}/v1/messages`, asked(model, { thinking }));
    expect(billOf(eventsOf(text) as readonly BlockEvent[]).thought).toBe(1_024);
    await deep.close();
  });

  it('tells estimates of what it thinks unseen where that beta is on, coarse ones', async () => {
    const all = await events(asked(SONNET, { output_config: { effort: 'max' } }), COUNTED);
    const estimates = all.flatMap(({ delta }) => delta?.estimated_tokens ?? []);
    const sum = estimates.reduce((total, tokens) => total + tokens, 0);
    const { thought } = billOf(all);
    expect(estimates.length).toBeGreaterThan(5);
    expect(sum).toBeLessThanOrEqual(thought);
    expect(sum).toBeGreaterThan(thought - 100);
  });

  it('thinks the same for the same question, whatever else was asked before', async () => {
    const first = billOf(await events(asked(SONNET)));
    await events({ ...asked(SONNET), messages: [{ role: 'user', content: 'Explain volcanoes' }] });
    const other = await startSimulator({ pace: UNPACED, seed: 'another' });
    const { text } = await post(`${other.url}/v1/messages`, asked(SONNET));
    expect(billOf(eventsOf(text) as readonly BlockEvent[]).thought).toBe(first.thought);
    await other.close();
  });

  const thinking = (type: string, more: object = {}) => ({ thinking: { type, ...more } });
  const effort = (level: string) => ({ output_config: { effort: level } });
  it.each([
    ['disabled, Sonnet 5.5', SONNET, thinking('disabled')],
    ['enabled, Sonnet 5.5', SONNET, thinking('enabled', { budget_tokens: 1_024 })],
    ['between_tools at max', SONNET, { ...thinking('between_tools'), ...effort('max') }],
    ['between_tools with a display', SONNET, thinking('between_tools', { display: 'omitted' })],
    ['between_tools, Opus 5', 'claude-opus-5', thinking('between_tools')],
    ['disabled at xhigh, Opus 5', 'claude-opus-5', { ...thinking('disabled'), ...effort('xhigh') }],
    ['disabled at max, Haiku 5.5', 'claude-haiku-5-5', { ...thinking('disabled'), ...effort('max') }],
    ['disabled, Opus 5.5', 'claude-opus-5-5', thinking('disabled')],
    ['disabled, Fable 5.2', 'claude-fable-5-2', thinking('disabled')],
    ['adaptive, Haiku 4.5', 'claude-haiku-4-5', thinking('adaptive')],
    ['a small budget', 'claude-haiku-4-5', thinking('enabled', { budget_tokens: 1_023 })],
    ['a budget above max_tokens', 'claude-haiku-4-5', thinking('enabled', { budget_tokens: 4_096 })],
    ['a budget of its own effort', SONNET, thinking('adaptive', { budget_tokens: 2_000 })],
    ['an unknown effort', SONNET, effort('huge')],
    ['xhigh, Opus 4.6', 'claude-opus-4-6', effort('xhigh')],
    ['effort, Haiku 4.5', 'claude-haiku-4-5', effort('low')],
    ['an unknown type', SONNET, thinking('sometimes')],
    ['an unknown display', SONNET, thinking('adaptive', { display: 'loud' })],
  ])('refuses %s', async (_, model, fields) => {
    const heard = await post(`${simulator.url}/v1/messages`, asked(model, fields));
    expect(heard.status).toBe(400);
    expect(JSON.parse(heard.text)).toMatchObject({ error: { type: 'invalid_request_error' } });
  });
});

describe('a long thought that nobody sees', () => {
  it('is three minutes of pings, then the answer', async () => {
    const clock = new ManualClock();
    const simulator = await startSimulator({ clock, pace: { firstTokenMs: 500, deltasPerSecond: 50 } });
    const answer = post(`${simulator.url}/v1/messages`, {
      ...question('hi', 'sim:long-thinking'),
      stream: true,
    });
    await until(() => simulator.requests[0]?.status === 200);
    clock.advance(170_000);
    expect(simulator.requests[0]?.usage, 'no bill yet').toBeNull();
    clock.advance(60_000);
    const { text } = await answer;
    const types = eventsOf(text).map(({ type }) => type);
    const thought = types.slice(0, types.indexOf('content_block_delta'));
    expect(new Set(thought)).toEqual(new Set(['message_start', 'content_block_start', 'ping']));
    expect(thought.filter((type) => type === 'ping').length).toBeGreaterThan(15);
    expect(types.at(-1)).toBe('message_stop');
    await simulator.close();
  });
});
