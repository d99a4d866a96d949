/** Tools in a conversation: what the API takes back, and what the simulated model does with it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UNPACED } from '../../src/simulator/pacer.ts';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { HEADERS, post } from './ask.ts';

type Block = Readonly<Record<string, unknown>>;

const MODEL = 'claude-sonnet-5-5';
const TOOLS = [
  {
    name: 'look_up',
    description: 'Looks something up.',
    input_schema: {
      type: 'object',
      properties: { topic: { type: 'string' }, kind: { enum: ['short', 'long'] }, more: { type: 'integer' } },
      required: ['topic', 'kind'],
    },
  },
];
const QUESTION = { role: 'user', content: 'Why is the sky blue?' };

describe('tools of the simulated API', () => {
  let simulator: Simulator;
  beforeAll(async () => {
    simulator = await startSimulator({ pace: UNPACED });
  });
  afterAll(() => simulator.close());

  const ask = async (messages: readonly object[], more: object = {}) => {
    const body = { model: MODEL, max_tokens: 2000, tools: TOOLS, messages, ...more };
    const { status, text } = await post(`${simulator.url}/v1/messages`, body, HEADERS);
    const json = JSON.parse(text) as { content: Block[]; stop_reason: string; error?: { message: string } };
    return { status, ...json };
  };
  const asked = async () => {
    simulator.script('tool');
    const { content } = await ask([QUESTION]);
    const id = content.find(({ type }) => type === 'tool_use')?.['id'];
    return { content, id, result: { type: 'tool_result', tool_use_id: id, content: 'Rayleigh' } };
  };

  it('are asked for with what their schema wants, and answered', async () => {
    const { content, result } = await asked();
    expect(content.map(({ type }) => type)).toEqual(['thinking', 'text', 'tool_use']);
    expect(content.at(-1)).toMatchObject({
      name: 'look_up',
      input: { topic: 'Why is the sky blue?', kind: 'short' },
    });
    simulator.script('tool');
    const answer = await ask([QUESTION, { role: 'assistant', content }, { role: 'user', content: [result] }]);
    expect(answer).toMatchObject({ status: 200, stop_reason: 'end_turn' });
  });

  it('are not asked for where it may not', async () => {
    simulator.script({ tool: { times: 9 } });
    expect(await ask([QUESTION], { tool_choice: { type: 'none' } })).toMatchObject({
      stop_reason: 'end_turn',
    });
  });

  const WRONG: [what: string, change: (turn: Awaited<ReturnType<typeof asked>>) => [object[], object[]]][] = [
    ['no answer', ({ content }) => [content, [{ type: 'text', text: 'Go on' }]]],
    ['another id', ({ content, result }) => [content, [{ ...result, tool_use_id: 'toolu_other' }]]],
    ['an answer twice', ({ content, result }) => [content, [result, result]]],
    ['words before the answer', ({ content, result }) => [content, [{ type: 'text', text: 'a' }, result]]],
    [
      'a thought that was left out',
      ({ content, result }) => [content.filter(({ type }) => type !== 'thinking'), [result]],
    ],
    [
      'another signature',
      ({ content, result }) => [
        content.map((block) => (block['type'] === 'thinking' ? { ...block, signature: 'c2ln' } : block)),
        [result],
      ],
    ],
    ['an answer to nothing', ({ result }) => [[{ type: 'text', text: 'Hm' }], [result]]],
  ];
  it.each(WRONG)('are refused with %s', async (_what, change) => {
    const [content, results] = change(await asked());
    const answer = await ask([QUESTION, { role: 'assistant', content }, { role: 'user', content: results }]);
    expect(answer.status).toBe(400);
    expect(answer.error?.message).not.toMatch(/Rayleigh|sky/);
  });

  it('are to be there as long as the conversation speaks of them', async () => {
    const { content, result } = await asked();
    const turn = [QUESTION, { role: 'assistant', content }, { role: 'user', content: [result] }];
    expect((await ask(turn, { tools: undefined })).status).toBe(400);
    expect((await ask(turn.slice(0, 2))).status).toBe(400);
  });

  it('are thought about between them, where that is how it thinks', async () => {
    const thinking = { type: 'between_tools' };
    simulator.script('tool', {});
    const { content } = await ask([QUESTION], { thinking });
    expect(content.map(({ type }) => type)).toEqual(['text', 'tool_use']);
    const result = { type: 'tool_result', tool_use_id: content[1]?.['id'], content: 'ok', is_error: true };
    const turn = [QUESTION, { role: 'assistant', content }, { role: 'user', content: [result] }];
    expect((await ask(turn, { thinking })).content[0]).toMatchObject({ type: 'thinking' });
  });
});
