import { describe, expect, it } from 'vitest';
import { type Scene, startScene, TOPIC_SCHEMA, toldOfTools } from './scene.ts';
import { answerJson } from './tool-server.ts';

describe('an action with tools', () => {
  it('has the model ask one, and answer with what it says', async () => {
    await using scene = await startScene({ handler: answerJson({ found: ['Light and lenses'] }) });
    const stream = scene.start();
    const ending = await scene.client.ended(stream);
    expect(ending).toMatchObject({ type: 'done', stopReason: 'end_turn', usage: { source: 'final' } });
    const [call] = scene.tools.calls;
    expect(scene.tools.calls).toHaveLength(1);
    expect(call).toMatchObject({ path: '/lessons', isSigned: true });
    expect(call?.body).toEqual({
      tool: 'lessons',
      input: { topic: 'Why is the sky blue?' },
      action: 'chat',
      run: stream.epoch,
      call: 1,
      step: 1,
    });
    const [first, second] = scene.bodies();
    expect(first?.tools).toEqual(
      ['lessons', 'books'].map((name) => ({
        name,
        description: `Finds ${name}.`,
        input_schema: TOPIC_SCHEMA,
      })),
    );
    expect(first?.tool_choice).toBeUndefined();
    expect(second?.messages.slice(1)).toMatchObject([
      { role: 'assistant', content: [{ type: 'text' }, { type: 'tool_use', name: 'lessons' }] },
      { role: 'user', content: [{ type: 'tool_result', content: '{"found":["Light and lenses"]}' }] },
    ]);
    expect(toldOfTools(scene.client.answers)).toEqual(['1 lessons running', '1 lessons done']);
    expect(scene.client.answers.find(({ type }) => type === 'tool')).toMatchObject({
      label: 'Looking in your lessons…',
    });
    expect(stream.text).toContain('\n\n');
  });

  it('sends back what was thought, as it came, and thinks on between tools', async () => {
    await using scene = await startScene({
      handler: answerJson('ok'),
      settings: { thinking: 'on', models: ['claude-sonnet-5-5'] },
    });
    scene.relay.simulator.always({ tool: { times: 2 } });
    const stream = scene.start({ model: 'claude-sonnet-5-5' });
    expect(await scene.client.ended(stream)).toMatchObject({ type: 'done', stopReason: 'end_turn' });
    const last = scene.bodies().at(-1)?.messages.slice(1) ?? [];
    expect(last.map(({ content }) => (content as { type: string }[]).map(({ type }) => type))).toEqual([
      ['thinking', 'text', 'tool_use'],
      ['tool_result'],
      ['thinking', 'text', 'tool_use'],
      ['tool_result'],
    ]);
  });

  it('asks a model that thinks between tools alone in its way', async () => {
    await using scene = await startScene({
      handler: answerJson('ok'),
      settings: { thinking: 'off', models: ['claude-sonnet-5-5'] },
    });
    scene.relay.simulator.always({ tool: { times: 2 } });
    const stream = scene.start({ model: 'claude-sonnet-5-5' });
    expect(await scene.client.ended(stream)).toMatchObject({ type: 'done', stopReason: 'end_turn' });
    expect(scene.bodies().at(-1)?.messages[3]?.content).toMatchObject([
      { type: 'thinking' },
      { type: 'text' },
      { type: 'tool_use' },
    ]);
  });

  it('has several asked at once, and told in their order', async () => {
    const waiting: (() => void)[] = [];
    await using scene = await startScene({
      handler(call, response) {
        waiting.push(() => response.end(`of ${String(call.body['tool'])}`));
        if (waiting.length === 3) for (const answer of waiting.toReversed()) answer();
      },
    });
    const calls = [{ name: 'books' }, { name: 'lessons' }, { name: 'books', input: { topic: 'b' } }];
    scene.relay.simulator.script({ tool: { calls } });
    const stream = scene.start();
    expect(await scene.client.ended(stream)).toMatchObject({ type: 'done' });
    const results = scene.bodies()[1]?.messages.at(-1)?.content as { content: string }[];
    expect(results.map(({ content }) => content)).toEqual(['of books', 'of lessons', 'of books']);
    expect(scene.tools.calls.map(({ body }) => body['call']).toSorted()).toEqual([1, 2, 3]);
  });

  it('tells a tool of whoever asks only what the action says', async () => {
    await using scene = await startScene({
      handler: answerJson({}),
      toolSettings: { sends: ['userId', 'userHash', 'organizationId', 'tier'] },
    });
    await scene.client.ended(scene.start());
    expect(scene.tools.calls[0]?.body).toMatchObject({
      userId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      userHash: scene.relay.simulator.requests[0]?.userHash,
      organizationId: null,
      tier: expect.any(String),
    });
  });

  it('lets the model ask so often and no more: then it answers without', async () => {
    await using scene = await startScene({ handler: answerJson('more'), settings: { maxToolSteps: 3 } });
    scene.relay.simulator.always({ tool: { times: 100 } });
    const stream = scene.start();
    expect(await scene.client.ended(stream)).toMatchObject({ type: 'done', stopReason: 'end_turn' });
    expect(scene.tools.calls.map(({ body }) => [body['step'], body['call']])).toEqual([
      [1, 1],
      [2, 2],
      [3, 3],
    ]);
    expect(scene.bodies().map(({ tool_choice: choice }) => choice)).toEqual([
      undefined,
      undefined,
      undefined,
      { type: 'none' },
    ]);
    expect(scene.bodies().every(({ tools }) => tools?.length === 2)).toBe(true);
  });

  it('leaves actions without tools as they are', async () => {
    await using scene = await startScene({ handler: answerJson({}) });
    const stream = scene.start({ action: 'plain' });
    expect(await scene.client.ended(stream)).toMatchObject({ type: 'done', stopReason: 'tool_use' });
    expect(scene.bodies()[0]).not.toHaveProperty('tools');
    expect(scene.tools.calls).toEqual([]);
  });
});

describe('where the model is overloaded', () => {
  const settings = { models: ['claude-opus-5-5'], fallback: 'claude-haiku-5-5', thinking: { effort: 'low' } };
  const environment = { ALLOWED_MODELS: 'claude-opus-5-5,claude-haiku-5-5' };
  const models = ({ bodies }: Scene) => bodies().map(({ model }) => model);

  it('before its first word, its fallback answers to the end', async () => {
    await using scene = await startScene({ handler: answerJson({}), settings, environment });
    scene.relay.simulator.script('overloaded', 'overloaded', 'tool');
    const ending = await scene.client.ended(scene.start({ model: undefined }));
    expect(ending).toMatchObject({ type: 'done', model: 'claude-haiku-5-5' });
    const [opus, haiku] = ['claude-opus-5-5', 'claude-haiku-5-5'];
    expect(models(scene)).toEqual([opus, opus, haiku, haiku]);
    expect(scene.tools.calls).toHaveLength(1);
  });

  it('after a tool, no other one is asked with what it thought', async () => {
    await using scene = await startScene({ handler: answerJson({}), settings, environment });
    scene.relay.simulator.script('tool', 'overloaded', 'overloaded');
    const ending = await scene.client.ended(scene.start({ model: undefined }));
    expect(ending).toMatchObject({ type: 'error', code: 'upstream_overloaded', usage: { source: 'final' } });
    expect(new Set(models(scene))).toEqual(new Set(['claude-opus-5-5']));
  });
});

it('where a model declines and another asks for the tool, both go back as they came', async () => {
  await using scene = await startScene({
    handler: answerJson({}),
    settings: { models: ['claude-opus-5-5'], refusalFallbacks: 'default' },
    environment: { ALLOWED_MODELS: 'claude-opus-5-5' },
  });
  const refusal = { afterDeltas: 3, category: 'bio', explanation: null };
  scene.relay.simulator.script({ refusal, tool: true });
  const ending = await scene.client.ended(scene.start({ model: undefined }));
  expect(ending).toMatchObject({ type: 'done', stopReason: 'end_turn' });
  const content = scene.bodies()[1]?.messages[1]?.content as { type: string }[];
  expect(content.map(({ type }) => type)).toContain('fallback');
});

it('calls of tools are counted, by tool and outcome, and no name that a model made up', async () => {
  await using scene = await startScene({ handler: answerJson({}) });
  const calls = [{}, { input: '[1]' }, { name: 'made up', input: {} }, { name: '__proto__', input: {} }];
  scene.relay.simulator.script({ tool: { calls } });
  await scene.client.ended(scene.start());
  const metrics = await (await fetch(`${scene.relay.url}/metrics`)).text();
  expect(metrics).toContain('dash_tool_calls_total{tool="lessons",outcome="answered"} 1');
  expect(metrics).toContain('dash_tool_calls_total{tool="lessons",outcome="bad_input"} 1');
  expect(metrics).toContain('dash_tool_calls_total{tool="unknown",outcome="unknown_tool"} 2');
  expect(metrics).toContain('dash_tool_call_seconds_count{tool="lessons"} 1');
  expect(metrics).not.toContain('dash_tool_call_seconds_count{tool="unknown"}');
  expect(metrics + scene.relay.logText.join('\n')).not.toMatch(/made up|__proto__/);
});

describe('the bill of a run with tools', () => {
  it('is the sum of its messages, each at its own price, in one row', async () => {
    await using scene = await startScene({
      handler: answerJson('x'.repeat(2000)),
      settings: { models: ['claude-haiku-5-5'] },
      environment: { SHOW_COST: 'true', ALLOWED_MODELS: 'claude-haiku-5-5' },
    });
    scene.relay.simulator.always({ tool: { times: 2 } });
    const stream = scene.start({ model: 'claude-haiku-5-5' });
    const ending = await scene.client.ended(stream);
    const requests = scene.relay.simulator.requests;
    expect(requests).toHaveLength(3);
    const sum = (kind: 'inputTokens' | 'outputTokens') =>
      requests.reduce((total, { usage }) => total + (usage?.[kind] ?? 0), 0);
    const [inputTokens, outputTokens] = [sum('inputTokens'), sum('outputTokens')];
    // Haiku 5.5: $0.10 and $0.50 per million, below its border.
    const costUsd = (inputTokens * 0.1 + outputTokens * 0.5) / 1e6;
    expect(ending).toMatchObject({ usage: { inputTokens, outputTokens, source: 'final' } });
    expect('usage' in ending ? ending.usage?.costUsd : undefined).toBeCloseTo(costUsd, 12);
    const rows = await scene.relay.usageRows();
    expect(rows).toMatchObject([{ status: 'done', source: 'final' }]);
  });
});
