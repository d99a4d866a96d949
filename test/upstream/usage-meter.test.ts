import { describe, expect, test } from 'vitest';
import { MessageParser } from '../../src/upstream/message-parser.ts';
import { SseDecoder } from '../../src/upstream/sse-decoder.ts';
import { UsageMeter } from '../../src/upstream/usage-meter.ts';
import { messageEnd, messageStart, sse, textDelta } from './message-script.ts';
import { loadRecordings } from './recordings.ts';

const SINK = { text() {}, event() {}, thinking() {}, tool() {}, began() {} };

function meterOf(body: string, ended = false): UsageMeter {
  const meter = new UsageMeter();
  const reader = new MessageParser(SINK, meter, { events: 'text', showThinking: false });
  const decoder = new SseDecoder((...event) => reader.read(...event));
  decoder.push(Buffer.from(body).toString('latin1'));
  if (ended) meter.bodyEnded();
  return meter;
}

const block = (content_block: object) => sse({ type: 'content_block_start', index: 0, content_block });
const delta = (content: object) => sse({ type: 'content_block_delta', index: 0, delta: content });

describe('the reading of a bill', () => {
  test('is none before the model has begun', () => {
    expect(meterOf('').reading()).toMatchObject({ inputTokens: 0, outputTokens: 0, source: 'none' });
    expect(meterOf('', true).reading().source).toBe('none');
  });

  test('stays a whole number, however much thinking is said to be', () => {
    const thought = { type: 'thinking_delta', thinking: 'Hm', estimated_tokens: Number.MAX_SAFE_INTEGER };
    const thinking = block({ type: 'thinking', thinking: '' }) + delta(thought).repeat(3);
    const { outputTokens } = meterOf(messageStart() + thinking + textDelta('So')).reading();
    expect(outputTokens).toBeLessThan(100);
  });

  test('is input_only once it has begun, with the placeholder as output', () => {
    const usage = {
      input_tokens: 7,
      output_tokens: 3,
      cache_read_input_tokens: 100,
      cache_creation_input_tokens: 50,
      cache_creation: { ephemeral_5m_input_tokens: 20, ephemeral_1h_input_tokens: 30 },
    };
    expect(meterOf(messageStart(usage)).reading()).toEqual({
      inputTokens: 7,
      outputTokens: 3,
      cacheReadTokens: 100,
      cacheWriteTokens: 50,
      cacheWrite1hTokens: 30,
      thinkingTokens: 0,
      webSearches: 0,
      terms: null,
      uncharged: false,
      source: 'input_only',
      model: 'model-named',
    });
  });

  test.each([
    ['text', delta({ type: 'text_delta', text: 'word '.repeat(50) })],
    ['text given with its block', block({ type: 'text', text: 'word '.repeat(50) })],
    ['thinking', delta({ type: 'thinking_delta', thinking: 'word '.repeat(50) })],
    ['a signature', delta({ type: 'signature_delta', signature: 'A'.repeat(400) })],
    ['redacted thinking', block({ type: 'redacted_thinking', data: 'A'.repeat(600) })],
    ['tool input', delta({ type: 'input_json_delta', partial_json: `"${'word '.repeat(40)}"` })],
    [
      'a tool call with its input',
      block({ type: 'server_tool_use', name: 'search', input: { q: 'word '.repeat(20) } }),
    ],
  ])('is an estimate with %s', (_, event) => {
    const reading = meterOf(messageStart() + event).reading();
    expect(reading.source).toBe('estimated');
    expect(reading.outputTokens).toBeGreaterThan(40);
    expect(reading.outputTokens).toBeLessThan(100);
  });

  test('is never estimated below the placeholder', () => {
    const reading = meterOf(messageStart({ input_tokens: 1, output_tokens: 11 }) + textDelta('a')).reading();
    expect(reading.outputTokens).toBe(11);
  });

  test('takes the cumulative totals as they come, and is final only with the end of the body', () => {
    const total = sse({
      type: 'message_delta',
      delta: {},
      usage: { output_tokens: 100, input_tokens: 12_229 },
    });
    const body = messageStart({ input_tokens: 2_750, output_tokens: 1 }) + textDelta('a') + total;
    expect(meterOf(body).reading()).toMatchObject({
      inputTokens: 12_229,
      outputTokens: 100,
      source: 'estimated',
    });
    expect(meterOf(body + messageEnd(130), true).reading()).toMatchObject({
      outputTokens: 130,
      source: 'final',
    });
  });

  const started = {
    input_tokens: 10,
    output_tokens: 1,
    cache_read_input_tokens: 24_110,
    cache_creation_input_tokens: 40,
    cache_creation: { ephemeral_1h_input_tokens: 40 },
  };
  const ended = (usage: object) =>
    sse({ type: 'message_delta', delta: {}, usage }) + sse({ type: 'message_stop' });

  test.each([
    ['zeros', { input_tokens: 0, cache_read_input_tokens: 0, cache_creation_input_tokens: 0 }],
    ['nulls', { input_tokens: null, cache_read_input_tokens: null, cache_creation_input_tokens: null }],
    [
      'the input with zeros',
      { input_tokens: 10, cache_read_input_tokens: 0, cache_creation_input_tokens: 0 },
    ],
    ['zeros beside the cache', { input_tokens: 0, cache_read_input_tokens: 24_110 }],
    ['less than nothing', { input_tokens: -10, cache_read_input_tokens: -1 }],
  ])('keeps the prompt of the start where the totals repeat %s', (_, repeated) => {
    const body = messageStart(started) + textDelta('a') + ended({ ...repeated, output_tokens: 42 });
    expect(meterOf(body, true).reading()).toMatchObject({
      inputTokens: 10,
      cacheReadTokens: 24_110,
      cacheWriteTokens: 40,
      cacheWrite1hTokens: 40,
      outputTokens: 42,
      source: 'final',
    });
  });

  test('takes all counts of a prompt that was counted anew, also where they fell', () => {
    const usage = { input_tokens: 181, output_tokens: 8, cache_read_input_tokens: 0 };
    const body = messageStart(started) + ended({ ...usage, cache_creation_input_tokens: 0 });
    expect(meterOf(body, true).reading()).toMatchObject({
      inputTokens: 181,
      cacheReadTokens: 0,
      cacheWriteTokens: 0,
      source: 'final',
    });
  });

  test('lets the output grow only', () => {
    const twice = sse({ type: 'message_delta', delta: {}, usage: { output_tokens: 42 } });
    const body = messageStart() + textDelta('a') + twice + ended({ output_tokens: 0 });
    expect(meterOf(body, true).reading()).toMatchObject({ outputTokens: 42, source: 'final' });
  });

  test('takes a total below the placeholder', () => {
    const body = messageStart({ input_tokens: 10, output_tokens: 8 }) + ended({ output_tokens: 2 });
    expect(meterOf(body, true).reading()).toMatchObject({ outputTokens: 2, source: 'final' });
  });

  test.each([
    ['an output of none for words that came', started, { output_tokens: 0 }],
    ['no output', started, {}],
    ['no prompt', { output_tokens: 1 }, { output_tokens: 42 }],
    ['nothing at all', { input_tokens: 0, output_tokens: 0 }, { input_tokens: 0, output_tokens: 0 }],
  ])('is no bill with %s', (_, start, totals) => {
    const body = messageStart(start) + textDelta('word '.repeat(50)) + ended(totals);
    const reading = meterOf(body, true).reading();
    expect(reading.source).toBe('estimated');
    expect(reading.outputTokens).toBeGreaterThan(40);
  });

  test('is an estimate where the start of the message never came', () => {
    expect(meterOf(textDelta('word '.repeat(50))).reading().source).toBe('estimated');
    expect(meterOf(textDelta('word') + messageEnd(42), true).reading()).toMatchObject({
      outputTokens: 42,
      source: 'estimated',
    });
    expect(meterOf(messageEnd(42), true).reading().source).toBe('estimated');
  });

  test('is a bill where nothing was said', () => {
    const body = messageStart(started) + ended({ output_tokens: 0 });
    expect(meterOf(body, true).reading()).toMatchObject({ outputTokens: 0, source: 'final' });
  });

  test('names the model that is billed, not that of a step billed elsewhere', () => {
    const step = (model: string | null, usage: object) =>
      sse({ type: 'message_start', message: { model, usage } });
    const first = step('claude-a', { input_tokens: 5 }) + messageEnd(7);
    const nested = step('claude-b', { input_tokens: 0, output_tokens: 0 }) + sse({ type: 'message_stop' });
    expect(meterOf('').reading().model).toBeNull();
    expect(meterOf(step(null, {})).reading().model).toBeNull();
    expect(meterOf(first).reading().model).toBe('claude-a');
    expect(meterOf(first + nested, true).reading().model).toBe('claude-a');
    expect(meterOf(first + step('claude-c', { input_tokens: 1 })).reading().model).toBe('claude-c');
    expect(meterOf(step('what the child asked', {})).reading().model).toBeNull();
  });

  test('keeps the input of the start where the totals have none', () => {
    expect(meterOf(messageStart() + messageEnd(5), true).reading().inputTokens).toBe(10);
  });

  test('adds the messages of one body, and an unfinished last one as an estimate', () => {
    const two = messageStart() + messageEnd(20) + messageStart() + textDelta('word '.repeat(50));
    const cut = meterOf(two).reading();
    expect(cut).toMatchObject({ inputTokens: 20, source: 'estimated' });
    expect(cut.outputTokens).toBeGreaterThan(60);
    expect(meterOf(two + messageEnd(30), true).reading()).toMatchObject({
      outputTokens: 50,
      source: 'final',
    });
  });

  test('tells several billed messages apart, each with the model that has its price', () => {
    const message = (model: string, input: number) =>
      sse({ type: 'message_start', message: { model, usage: { input_tokens: input, output_tokens: 1 } } });
    const one = message('claude-a', 100) + messageEnd(20);
    const step = message('claude-b', 0) + messageEnd(0);
    expect(meterOf(one + step, true).reading()).not.toHaveProperty('messages');
    const two = meterOf(one + step + message('claude-c', 300) + messageEnd(40), true).reading();
    expect(two).toMatchObject({ inputTokens: 400, outputTokens: 60, model: 'claude-c', source: 'final' });
    expect(two.messages).toMatchObject([
      { inputTokens: 100, outputTokens: 20, model: 'claude-a' },
      { inputTokens: 300, outputTokens: 40, model: 'claude-c' },
    ]);
  });

  test('counts a step that is billed with another message as nothing', () => {
    const nested =
      messageStart({ input_tokens: 0, output_tokens: 0 }) + block({ type: 'tool_use', input: {} });
    const body = messageStart() + messageEnd(20) + nested + sse({ type: 'message_stop' });
    expect(meterOf(body, true).reading()).toMatchObject({ outputTokens: 20, source: 'final' });
  });

  test('stays an estimate where a message never came with totals', () => {
    const body = messageStart() + textDelta('word '.repeat(50)) + sse({ type: 'message_stop' });
    expect(meterOf(body, true).reading()).toMatchObject({ source: 'estimated' });
  });

  test.each([-1, 1.5, '7', null, Number.MAX_VALUE])('does not believe a count of %s', (count) => {
    const { inputTokens, outputTokens } = meterOf(
      messageStart({ input_tokens: count, output_tokens: count }),
    ).reading();
    expect([inputTokens, outputTokens]).toEqual([0, 0]);
  });
});

const known = loadRecordings().filter(
  ({ complete, outputTokens, name }) => complete && outputTokens !== null && !name.startsWith('own:'),
);

describe.runIf(known.length > 0)('the estimate against recordings with known totals', () => {
  const totals = known.map(({ body, outputTokens }) => ({
    // Blind to the totals: what a stream would read that is cut just before them.
    events: body
      .toString('utf8')
      .split(/(?<=\n\r?\n)/)
      .filter((event) => !/"type": *"message_(delta|stop)"/.test(event)),
    total: outputTokens ?? 0,
  }));
  /** What a client can see grow: the output is taken to be spread over it evenly. */
  const contentBytes = (events: readonly string[]) =>
    events
      .flatMap((event) => /"(?:text|thinking|partial_json)":"(.*)"\} *\}/.exec(event)?.[1] ?? [])
      .reduce((bytes, content) => bytes + Buffer.byteLength(content), 0);
  const errors = (bodies: typeof totals, shares: readonly number[]) =>
    bodies
      .flatMap(({ events, total }) =>
        shares.map((share) => {
          const kept = events.slice(0, Math.ceil(events.length * share));
          const truth = share === 1 ? total : (total * contentBytes(kept)) / contentBytes(events);
          return Math.abs(meterOf(kept.join('')).reading().outputTokens - truth) / Math.max(truth, 1);
        }),
      )
      .sort((a, b) => a - b);
  const at = (sorted: readonly number[], share: number) =>
    sorted[Math.floor(sorted.length * share)] ?? Number.NaN;

  test('is right within 10 % for half of them, cut just before the totals', async ({ annotate }) => {
    const whole = errors(totals, [1]);
    await annotate(`whole: median ${at(whole, 0.5).toFixed(3)}, p95 ${at(whole, 0.95).toFixed(3)}`);
    expect(at(whole, 0.5)).toBeLessThan(0.1);
    expect(at(whole, 0.95)).toBeLessThan(0.5);
  });

  test('is of the right size wherever they are cut', async ({ annotate }) => {
    // Answers of a word or two have nothing to cut.
    const long = totals.filter(({ events }) => contentBytes(events) >= 200);
    const cut = errors(long, [0.3, 0.5, 0.7, 0.9]);
    await annotate(`cut: median ${at(cut, 0.5).toFixed(3)}, p95 ${at(cut, 0.95).toFixed(3)}`);
    expect(at(cut, 0.5)).toBeLessThan(0.35);
  });
});
