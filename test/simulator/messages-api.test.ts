import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BEHAVIOURS } from '../../src/simulator/behaviour.ts';
import { UNPACED } from '../../src/simulator/pacer.ts';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { eventsOf, HEADERS, MODEL, post, question, sdk, textOf } from './ask.ts';

describe('the simulated Messages API, asked by the official SDK', () => {
  let simulator: Simulator;
  beforeAll(async () => {
    simulator = await startSimulator({ pace: UNPACED, seed: 'test' });
  });
  afterAll(() => simulator.close());

  it('streams the text it answers without a stream', async () => {
    const client = sdk(simulator);
    const asked = question('Explain the water cycle');
    const streamed = await client.messages.stream(asked).finalMessage();
    const whole = await client.messages.create(asked);
    expect(streamed.content).toEqual(whole.content);
    expect(streamed.model).toBe(MODEL);
    expect(streamed.stop_reason).toBe('end_turn');
  });

  it('answers the question, not the data that an app gives for it', async () => {
    const content = ['what is 7 × 8?', '<context note="data">\n"Explain gravity"\n</context>'].map(
      (text) => ({
        type: 'text' as const,
        text,
      }),
    );
    const asked = { ...question(''), messages: [{ role: 'user' as const, content }] };
    expect(await sdk(simulator).messages.stream(asked).finalText()).toContain('56');
  });

  it('announces the tokens it generated', async () => {
    const { usage } = await sdk(simulator).messages.stream(question('Explain fractions')).finalMessage();
    const record = simulator.requests.at(-1);
    expect(record?.tokensGenerated).toBe(usage.output_tokens);
    expect(record?.usage).toEqual({ inputTokens: usage.input_tokens, outputTokens: usage.output_tokens });
    expect(usage.output_tokens).toBeGreaterThan(40);
  });

  it('gives only a placeholder of output tokens in message_start', async () => {
    const { text } = await post(`${simulator.url}/v1/messages`, {
      ...question('Explain gravity'),
      stream: true,
    });
    const [start] = eventsOf(text) as unknown as { message: { usage: { output_tokens: number } } }[];
    expect(start?.message.usage.output_tokens).toBeLessThanOrEqual(8);
  });

  it('orders its events as the real API does', async () => {
    const { text, headers } = await post(`${simulator.url}/v1/messages`, { ...question('hi'), stream: true });
    const types = eventsOf(text).map((event) => event.type);
    expect(headers['content-type']).toContain('text/event-stream');
    expect(types.slice(0, 4)).toEqual([
      'message_start',
      'content_block_start',
      'ping',
      'content_block_delta',
    ]);
    expect(types.slice(-3)).toEqual(['content_block_stop', 'message_delta', 'message_stop']);
    expect(new Set(types.slice(3, -3))).toEqual(new Set(['content_block_delta']));
  });

  it.each([1, 17])('stops at max_tokens %d', async (maxTokens) => {
    const message = await sdk(simulator)
      .messages.stream(question('Explain gravity', MODEL, maxTokens))
      .finalMessage();
    expect(message.stop_reason).toBe('max_tokens');
    expect(message.usage.output_tokens).toBe(maxTokens);
  });

  it('thinks where the request asks for it', async () => {
    const thinking = { type: 'adaptive' as const };
    const message = await sdk(simulator)
      .messages.stream({ ...question('Explain gravity'), thinking })
      .finalMessage();
    expect(message.content.map((block) => block.type)).toEqual(['thinking', 'text']);
  });

  it('uses the tool it is offered', async () => {
    const tools = [{ name: 'look_up', input_schema: { type: 'object' as const } }];
    const asked = { ...question('Explain gravity', 'sim:tool'), tools };
    const message = await sdk(simulator).messages.stream(asked).finalMessage();
    expect(message.stop_reason).toBe('tool_use');
    expect(message.content.at(-1)).toMatchObject({ type: 'tool_use', name: 'look_up', input: { limit: 3 } });
  });

  it('puts several messages into one body and announces the sum of their bills', async () => {
    const asked = { ...question('Explain gravity', 'sim:several-messages'), stream: true };
    const { text } = await post(`${simulator.url}/v1/messages`, asked);
    expect(eventsOf(text).filter((event) => event.type === 'message_stop')).toHaveLength(3);
    const record = simulator.requests.at(-1);
    expect(record?.usage?.outputTokens).toBe(record?.tokensGenerated);
  });

  it('splits a surrogate pair over two deltas, which joined are whole', async () => {
    const { text } = await post(`${simulator.url}/v1/messages`, {
      ...question('hi', 'sim:surrogates'),
      stream: true,
    });
    const parts = eventsOf(text).flatMap((event) => event.delta?.text ?? []);
    expect(parts.some((part) => !part.isWellFormed())).toBe(true);
    expect(parts.join('')).toBe('Well done 🎉! Très bien 👏🏽.');
  });

  it('counts tokens for free', async () => {
    const { max_tokens: _, ...asked } = question('Explain gravity');
    const before = simulator.requests.length;
    const { input_tokens } = await sdk(simulator).messages.countTokens(asked);
    const message = await sdk(simulator).messages.create(question('Explain gravity'));
    expect(input_tokens).toBe(message.usage.input_tokens);
    expect(simulator.requests).toHaveLength(before + 1);
  });

  it('answers equal requests with equal bytes, and users do not matter', async () => {
    const asked = { ...question('Explain volcanoes'), stream: true };
    const bodies = await Promise.all(
      ['a', 'b'].map((user) =>
        post(`${simulator.url}/v1/messages`, { ...asked, metadata: { user_id: user } }),
      ),
    );
    expect(bodies[0]?.text).toBe(bodies[1]?.text);
    expect(
      simulator.requests
        .slice(-2)
        .map((record) => record.userHash)
        .sort(),
    ).toEqual(['a', 'b']);
    expect(bodies[0]?.headers['request-id']).not.toBe(bodies[1]?.headers['request-id']);
  });

  it('stamps deltas with the time at which they were written', async () => {
    const before = process.hrtime.bigint() / 1_000n;
    simulator.script({ stamped: 3 });
    const { text } = await post(`${simulator.url}/v1/messages`, { ...question('hi'), stream: true });
    const stamps = [...textOf(text).matchAll(/@(\d{16}) /gu)].map((match) => BigInt(match[1] ?? 0));
    expect(stamps).toHaveLength(3);
    expect(stamps.every((stamp) => stamp >= before && stamp <= process.hrtime.bigint() / 1_000n)).toBe(true);
  });

  it('keeps no word of a prompt', async () => {
    await post(`${simulator.url}/v1/messages`, question('canary-7f3a'));
    expect(JSON.stringify(simulator.requests)).not.toContain('canary');
  });

  it('keeps headers and bodies where a test asks for them', async () => {
    const keeping = await startSimulator({ pace: UNPACED, keepBodies: true });
    await sdk(keeping).messages.create({ ...question('canary'), system: 'Be kind.' });
    expect(keeping.requests[0]?.body).toMatchObject({
      system: 'Be kind.',
      messages: [{ content: 'canary' }],
    });
    expect(keeping.requests[0]?.headers).toHaveProperty('anthropic-version');
    await keeping.close();
  });

  it('knows every behaviour of the table by its model name', async () => {
    for (const name of Object.keys(BEHAVIOURS)) {
      const { max_tokens: _, ...asked } = question('hi', `sim:${name}`);
      expect((await post(`${simulator.url}/v1/messages/count_tokens`, asked, HEADERS)).status).toBe(200);
    }
  });
});
