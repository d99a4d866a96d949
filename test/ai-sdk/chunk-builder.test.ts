import { describe, expect, it } from 'vitest';
import { type AnswerEnd, ChunkBuilder } from '../../src/ai-sdk/chunk-builder.ts';
import type { UiMessageChunk } from '../../src/ai-sdk/chunks.ts';
import type { Timing, Usage } from '../../src/protocol/frames.ts';
import { faultOf, messageOf, textOf } from './library.ts';

const ID = 'aisdk-of-a-chat';
const USAGE: Usage = {
  inputTokens: 3,
  outputTokens: 5,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  source: 'final',
};
const TIMING: Timing = { firstTokenMs: 1, totalMs: 2, chunks: 3, bytes: 4 };
const RECEIPT = { textLength: 4, usage: USAGE, timing: TIMING };
const DONE: AnswerEnd = { type: 'done', stopReason: 'end_turn', model: 'claude-other', ...RECEIPT };
const CANCELLED: AnswerEnd = {
  type: 'cancelled',
  ...RECEIPT,
  timing: { ...TIMING, upstreamClosedMs: 1.5 },
};
const ERROR: AnswerEnd = {
  type: 'error',
  code: 'upstream_overloaded',
  message: 'the model is overloaded',
  retryable: true,
  retryAfterMs: 1200,
  requestId: 'req_1',
  usage: USAGE,
};
const RUNNING = { call: 1, name: 'dictionary', label: 'Looks it up', state: 'running' } as const;

/** The chunks of one answer; none of them may be one that the library does not take. */
async function told(tell: (chunks: ChunkBuilder) => UiMessageChunk[][]): Promise<UiMessageChunk[]> {
  const chunks = new ChunkBuilder(ID);
  const all = [...chunks.opened({ model: 'claude-test', epoch: 'epoch-of-it' }), ...tell(chunks).flat()];
  expect((await Promise.all(all.map(faultOf))).filter((fault) => fault !== undefined)).toEqual([]);
  return all;
}

describe('an answer as UI message chunks', () => {
  it('is one message with its text, named by the stream, with model, usage and timing', async () => {
    const { message, error } = await messageOf(
      await told((c) => [c.text('½ '), c.text('"🍕"'), c.ended(DONE)]),
    );
    expect(error).toBeUndefined();
    expect(message).toMatchObject({
      id: ID,
      role: 'assistant',
      parts: [{ type: 'step-start' }, { type: 'text', text: '½ "🍕"', state: 'done' }],
    });
    expect(message?.metadata).toEqual({
      streamId: ID,
      epoch: 'epoch-of-it',
      ending: 'done',
      stopReason: 'end_turn',
      model: 'claude-other',
      ...RECEIPT,
    });
  });

  it('shows what is thought as reasoning, also where nothing of it is shown, and text after it as text', async () => {
    const chunks = await told((c) => [
      c.thinking(),
      c.thinking('Hm'),
      c.thinking('m.'),
      c.text('Yes'),
      c.thinking(),
      c.text('!'),
      c.ended(DONE),
    ]);
    const { message } = await messageOf(chunks);
    expect(message?.parts).toMatchObject([
      { type: 'step-start' },
      { type: 'reasoning', text: 'Hmm.', state: 'done' },
      { type: 'text', text: 'Yes', state: 'done' },
      { type: 'reasoning', text: '', state: 'done' },
      { type: 'text', text: '!', state: 'done' },
    ]);
  });

  it('shows calls of tools, which their provider executes: nothing is asked of the page', async () => {
    const chunks = await told((c) => [
      c.text('I look. '),
      c.tool(RUNNING),
      c.tool({ ...RUNNING, call: 2 }),
      c.tool({ ...RUNNING, state: 'done' }),
      c.tool({ ...RUNNING, call: 2, state: 'failed' }),
      c.tool({ ...RUNNING, call: 3, state: 'done' }), // told late: its beginning never was
      c.tool({ ...RUNNING, call: 4 }), // its end never is
      c.text('Found.'),
      c.ended(DONE),
    ]);
    const { message } = await messageOf(chunks);
    const tool = {
      type: 'dynamic-tool',
      toolName: 'dictionary',
      title: 'Looks it up',
      providerExecuted: true,
    };
    expect(message?.parts).toMatchObject([
      { type: 'step-start' },
      { type: 'text', text: 'I look. ' },
      { ...tool, state: 'output-available' },
      { ...tool, state: 'output-error' },
      { ...tool, state: 'output-available' },
      { ...tool, state: 'output-available' },
      { type: 'text', text: 'Found.' },
    ]);
  });

  it.each([
    ['end_turn', 'stop'],
    ['stop_sequence', 'stop'],
    ['max_tokens', 'length'],
    ['model_context_window_exceeded', 'length'],
    ['refusal', 'content-filter'],
    ['tool_use', 'tool-calls'],
    ['pause_turn', 'other'],
    ['constructor', 'other'],
    [null, 'other'],
  ])('finishes for one of the reasons of the library: %s', async (stopReason, finishReason) => {
    const chunks = await told((c) => [c.text('a'), c.ended({ ...DONE, stopReason })]);
    expect(chunks.at(-1)).toMatchObject({ type: 'finish', finishReason });
  });

  it('says what was to be discarded where the model declined midway', async () => {
    const refusal = { category: 'cyber', partial: true };
    const { message } = await messageOf(
      await told((c) => [c.text('a'), c.ended({ ...DONE, stopReason: 'refusal', refusal })]),
    );
    expect(message?.metadata).toMatchObject({ stopReason: 'refusal', refusal });
  });

  it('has the receipt of a stop', async () => {
    const { message, error } = await messageOf(await told((c) => [c.text('abcd'), c.ended(CANCELLED)]));
    expect(error).toBeUndefined();
    expect(message?.metadata).toMatchObject({
      ending: 'cancelled',
      usage: USAGE,
      timing: { upstreamClosedMs: 1.5 },
    });
    expect(message?.parts.at(-1)).toMatchObject({ text: 'abcd', state: 'done' });
  });

  it('ends with an error that has its code, and what there was of it', async () => {
    const { message, error } = await messageOf(await told((c) => [c.tool(RUNNING), c.ended(ERROR)]));
    expect(error).toBe('upstream_overloaded: the model is overloaded');
    expect(message?.metadata).toMatchObject({
      ending: 'error',
      usage: USAGE,
      error: { code: 'upstream_overloaded', retryable: true, retryAfterMs: 1200, requestId: 'req_1' },
    });
    expect(message?.parts.at(-1)).toMatchObject({ state: 'output-error' });
  });

  it('is closed where it cannot be read on', async () => {
    const gap = { code: 'resume_gap', message: 'this position is not held', retryable: false } as const;
    const { message, error } = await messageOf(await told((c) => [c.text('ab'), c.failed(gap)]));
    expect(error).toBe('resume_gap: this position is not held');
    expect(message?.parts.at(-1)).toMatchObject({ text: 'ab', state: 'done' });
  });

  it('goes on in the part that a reader holds', () => {
    const whole = new ChunkBuilder(ID);
    whole.thinking();
    whole.text('a');
    const rest = new ChunkBuilder(ID);
    rest.continued(whole.openText ?? 0);
    const after = [
      (c: ChunkBuilder) => c.text('b'),
      (c: ChunkBuilder) => c.thinking(),
      (c: ChunkBuilder) => c.text('c'),
    ];
    for (const tell of after) expect(tell(rest)).toEqual(tell(whole));
  });

  it('is the same by its parts for who writes the deltas itself', async () => {
    const chunks = new ChunkBuilder(ID);
    const first = chunks.textPart();
    expect(first.chunks).toEqual([{ type: 'text-start', id: first.id }]);
    expect(chunks.textPart()).toEqual({ id: first.id, chunks: [] });
    const { message } = await messageOf(await told((c) => [c.text('a'), c.text('b'), c.ended(DONE)]));
    expect(textOf(message ?? { parts: [] })).toBe('ab');
  });
});
