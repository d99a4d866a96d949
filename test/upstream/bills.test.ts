/**
 * Bodies of the Messages API, each with what it costs at the published prices of 2026-11-28, worked out by hand: the
 * sums stand beside the rows. In US dollars; the ledger keeps pico-dollars, so nothing is rounded but a half of one.
 */
import { describe, expect, it } from 'vitest';
import { runCost, usdOf } from '../../src/pricing/cost.ts';
import { loadPrices } from '../../src/pricing/prices.ts';
import { MessageParser } from '../../src/upstream/message-parser.ts';
import { SseDecoder } from '../../src/upstream/sse-decoder.ts';
import { UsageMeter } from '../../src/upstream/usage-meter.ts';
import { PING, sse, textDelta } from './message-script.ts';

const prices = loadPrices();
const AT = Date.UTC(2026, 10, 28);
const SONNET = 'claude-sonnet-5-5'; // 2 / 10, writes 2.50 and 4, reads 0.10
const OPUS = 'claude-opus-5-5'; // 4 / 20, writes 5 and 8, reads 0.20
const HAIKU = 'claude-haiku-5-5'; // 0.10 / 0.50 up to 100,000 of a prompt, five times that above
const FABLE = 'claude-fable-5-2'; // 8 / 40, reads 0.20

const SINK = { text() {}, event() {}, thinking() {}, tool() {}, began() {} };

type Fields = Readonly<Record<string, unknown>>;

const start = (model: string, usage: Fields) =>
  sse({ type: 'message_start', message: { type: 'message', model, usage: { output_tokens: 1, ...usage } } });
const end = (usage: Fields, stop: Fields = { stop_reason: 'end_turn' }) =>
  sse({ type: 'message_delta', delta: stop, usage }) + sse({ type: 'message_stop' });
const said = textDelta('word '.repeat(20));
const whole = (model: string, first: Fields, last: Fields) => start(model, first) + said + end(last);
const refusal = { stop_reason: 'refusal', stop_details: { type: 'refusal', category: 'bio' } };
const thinkingBlock = sse({
  type: 'content_block_start',
  index: 0,
  content_block: { type: 'thinking', thinking: '', signature: '' },
});
const signature = sse({
  type: 'content_block_delta',
  index: 0,
  delta: { type: 'signature_delta', signature: 's'.repeat(1000) },
});
const MILLION = { input_tokens: 1_000_000 };
const split = (m5: number, h1: number) => ({
  cache_creation_input_tokens: m5 + h1,
  cache_creation: { ephemeral_5m_input_tokens: m5, ephemeral_1h_input_tokens: h1 },
});

/** An entry of `usage.iterations`. */
const iteration = (type: string, input: number, output: number, more: Fields = {}) => ({
  type,
  input_tokens: input,
  output_tokens: output,
  cache_read_input_tokens: 0,
  cache_creation_input_tokens: 0,
  cache_creation: null,
  ...more,
});
type Attempt = readonly [model: string, input: number, output: number];
/** The usage of a message that the first model declined: at its top are the counts of the last attempt alone. */
const attempts = (declined: Attempt, last: Attempt) => ({
  input_tokens: last[1],
  output_tokens: last[2],
  iterations: [
    iteration('message', declined[1], declined[2], { model: declined[0] }),
    iteration('fallback_message', last[1], last[2], { model: last[0] }),
  ],
});

/** What it is, the body, and the bill. */
const BILLS: readonly (readonly [what: string, body: string, usd: number])[] = [
  ['input and output', whole(SONNET, { input_tokens: 1000 }, { output_tokens: 500 }), 0.007],
  [
    'reads',
    whole(SONNET, { input_tokens: 100, cache_read_input_tokens: 10_000 }, { output_tokens: 100 }),
    0.0022,
  ],
  [
    'writes of 5 minutes',
    whole(SONNET, { input_tokens: 0, ...split(10_000, 0) }, { output_tokens: 10 }),
    0.0251,
  ],
  [
    'writes of an hour',
    whole(SONNET, { input_tokens: 0, ...split(0, 10_000) }, { output_tokens: 10 }),
    0.0401,
  ],
  ['both', whole(SONNET, { input_tokens: 5, ...split(1000, 2000) }, { output_tokens: 10 }), 0.01061],
  [
    'writes whose split is not told',
    whole(SONNET, { input_tokens: 5, cache_creation_input_tokens: 3000 }, { output_tokens: 10 }),
    0.00761,
  ],
  [
    'writes whose total is not told',
    whole(
      SONNET,
      {
        input_tokens: 5,
        cache_creation_input_tokens: null,
        cache_creation: { ephemeral_5m_input_tokens: 1000, ephemeral_1h_input_tokens: 2000 },
      },
      { output_tokens: 10 },
    ),
    0.01061,
  ],
  [
    'terms with the names of what every object has',
    whole(
      SONNET,
      { input_tokens: 1000, inference_geo: 'constructor', service_tier: 'toString', speed: 'valueOf' },
      { output_tokens: 500 },
    ),
    0.007,
  ],
  [
    'a split larger than its total',
    whole(
      SONNET,
      {
        input_tokens: 5,
        cache_creation_input_tokens: 0,
        cache_creation: { ephemeral_1h_input_tokens: 4369 },
      },
      { output_tokens: 10 },
    ),
    0.00011,
  ],
  ['US-only inference', whole(OPUS, { ...MILLION, inference_geo: 'us' }, { output_tokens: 100 }), 4.4022],
  ['inference anywhere', whole(OPUS, { ...MILLION, inference_geo: 'global' }, { output_tokens: 100 }), 4.002],
  [
    'a geo that is not told',
    whole(OPUS, { ...MILLION, inference_geo: 'not_available' }, { output_tokens: 100 }),
    4.002,
  ],
  [
    'geo on reads and writes',
    whole(
      OPUS,
      { input_tokens: 0, cache_read_input_tokens: 100_000, ...split(10_000, 10_000), inference_geo: 'us' },
      { output_tokens: 10 },
    ),
    0.16522,
  ],
  ['the standard tier', whole(OPUS, { ...MILLION, service_tier: 'standard' }, { output_tokens: 100 }), 4.002],
  [
    'priority: money of a contract, here as standard',
    whole(OPUS, { ...MILLION, service_tier: 'priority' }, { output_tokens: 100 }),
    4.002,
  ],
  ['a batch', whole(OPUS, { ...MILLION, service_tier: 'batch' }, { output_tokens: 100 }), 2.001],
  [
    'a batch in the US',
    whole(OPUS, { ...MILLION, service_tier: 'batch', inference_geo: 'us' }, { output_tokens: 100 }),
    2.2011,
  ],
  ['fast', whole(OPUS, { ...MILLION, speed: 'fast' }, { output_tokens: 100 }), 8.004],
  [
    'fast that ran as standard',
    whole(OPUS, { ...MILLION, speed: 'standard' }, { output_tokens: 100 }),
    4.002,
  ],
  [
    'fast in the US',
    whole(OPUS, { ...MILLION, speed: 'fast', inference_geo: 'us' }, { output_tokens: 100 }),
    8.8044,
  ],
  [
    'fast in the US with ten searches',
    whole(
      OPUS,
      { ...MILLION, speed: 'fast', inference_geo: 'us' },
      { output_tokens: 100, server_tool_use: { web_search_requests: 10 } },
    ),
    8.9044,
  ],
  ['fast, Fable 5.2', whole(FABLE, { ...MILLION, speed: 'fast' }, { output_tokens: 1000 }), 16.08],
  [
    'searches',
    whole(
      SONNET,
      { input_tokens: 1000 },
      { output_tokens: 100, server_tool_use: { web_search_requests: 3 } },
    ),
    0.033,
  ],
  [
    'fetches, which are free',
    whole(
      SONNET,
      { input_tokens: 1000 },
      { output_tokens: 100, server_tool_use: { web_search_requests: 0, web_fetch_requests: 7 } },
    ),
    0.003,
  ],
  [
    'searches told with the start too',
    whole(
      SONNET,
      { input_tokens: 1000, server_tool_use: { web_search_requests: 1 } },
      { output_tokens: 100, server_tool_use: { web_search_requests: 2 } },
    ),
    0.023,
  ],
  [
    'thinking, inside the output',
    whole(
      SONNET,
      { input_tokens: 1000 },
      { output_tokens: 900, output_tokens_details: { thinking_tokens: 800 } },
    ),
    0.011,
  ],
  ['Haiku at its border', whole(HAIKU, { input_tokens: 100_000 }, { output_tokens: 1000 }), 0.0105],
  ['Haiku above it, output too', whole(HAIKU, { input_tokens: 100_001 }, { output_tokens: 1000 }), 0.0525005],
  [
    'Haiku above it by what was cached',
    whole(HAIKU, { input_tokens: 1, cache_read_input_tokens: 100_000 }, { output_tokens: 1000 }),
    0.0075005,
  ],
  [
    'Haiku above it in the US',
    whole(HAIKU, { input_tokens: 200_000, inference_geo: 'us' }, { output_tokens: 1000 }),
    0.11275,
  ],
  [
    'a prompt counted anew at the end',
    whole(SONNET, { input_tokens: 1000 }, { input_tokens: 3000, output_tokens: 100 }),
    0.007,
  ],
  ['refused before a word', start(SONNET, { input_tokens: 412 }) + end({ output_tokens: 0 }, refusal), 0],
  [
    'refused before a word, with a count',
    start(SONNET, { input_tokens: 412 }) + PING + end({ output_tokens: 6 }, refusal),
    0,
  ],
  [
    'refused after some words',
    start(SONNET, { input_tokens: 412 }) + said + end({ output_tokens: 40 }, refusal),
    0.001224,
  ],
  [
    'refused after a thought',
    start(SONNET, { input_tokens: 412 }) + thinkingBlock + signature + end({ output_tokens: 200 }, refusal),
    0.002824,
  ],
  [
    'refused, searched before',
    start(SONNET, { input_tokens: 412 }) +
      said +
      end({ output_tokens: 40, server_tool_use: { web_search_requests: 1 } }, refusal),
    0.011224,
  ],
  [
    'two messages, each on its own',
    whole(HAIKU, { input_tokens: 60_000 }, { output_tokens: 100 }) +
      whole(HAIKU, { input_tokens: 60_000 }, { output_tokens: 100 }),
    0.0121,
  ],
  [
    'two messages of two models',
    whole(OPUS, { input_tokens: 1000 }, { output_tokens: 100 }) +
      whole(SONNET, { input_tokens: 1000 }, { output_tokens: 100 }),
    0.009,
  ],
  [
    'a message that was refused, then one that answers',
    start(OPUS, { input_tokens: 1000 }) +
      end({ output_tokens: 0 }, refusal) +
      whole(SONNET, { input_tokens: 1000 }, { output_tokens: 100 }),
    0.003,
  ],
  [
    'a fast message, then a standard one',
    whole(OPUS, { input_tokens: 1000, speed: 'fast' }, { output_tokens: 100 }) +
      whole(OPUS, { input_tokens: 1000, speed: 'standard' }, { output_tokens: 100 }),
    0.018,
  ],
  [
    'another model than was asked for',
    whole('claude-opus-5-5-20260922', { input_tokens: 1000 }, { output_tokens: 100 }),
    0.006,
  ],
  [
    'declined before a word, answered by a fallback of the server',
    whole(SONNET, { input_tokens: 1000 }, attempts([OPUS, 1000, 0], [SONNET, 1000, 100])),
    0.003,
  ],
  [
    'declined after some words, answered by a fallback of the server',
    whole(OPUS, { input_tokens: 1000 }, attempts([OPUS, 1000, 50], [SONNET, 1000, 100])),
    0.008, // 0.004 + 0.001, and 0.002 + 0.001
  ],
  [
    'the same in the US',
    whole(OPUS, { input_tokens: 1000, inference_geo: 'us' }, attempts([OPUS, 1000, 50], [SONNET, 1000, 100])),
    0.0088,
  ],
  ['declined by both', start(OPUS, MILLION) + end(attempts([OPUS, 1000, 0], [SONNET, 1000, 0]), refusal), 0],
  [
    'declined by both, by the first after some words',
    start(OPUS, { input_tokens: 1000 }) + said + end(attempts([OPUS, 1000, 50], [SONNET, 1000, 0]), refusal),
    0.005,
  ],
  [
    'a compaction, which the top does not count',
    whole(
      SONNET,
      { input_tokens: 100, cache_read_input_tokens: 55_096 },
      {
        input_tokens: 181,
        cache_read_input_tokens: 0,
        output_tokens: 8,
        iterations: [
          iteration('compaction', 100, 83, { cache_read_input_tokens: 55_096 }),
          iteration('message', 181, 8),
        ],
      },
    ),
    0.0069816, // 0.0002 + 0.00083 + 0.0055096, and 0.000362 + 0.00008
  ],
  [
    'an advisor of another model',
    whole(
      SONNET,
      { input_tokens: 1128 },
      {
        input_tokens: 2411,
        output_tokens: 145,
        iterations: [
          iteration('message', 1128, 135),
          iteration('advisor_message', 2543, 18, { model: OPUS }),
          iteration('message', 1283, 10),
        ],
      },
    ),
    0.016804, // 0.004822 + 0.00145, and 0.010172 + 0.00036
  ],
  [
    'an attempt that wrote to the cache for an hour',
    whole(
      SONNET,
      { input_tokens: 10, ...split(0, 10_000) },
      {
        output_tokens: 100,
        iterations: [
          iteration('message', 10, 0, { model: OPUS, ...split(0, 10_000) }),
          iteration('fallback_message', 10, 100, { model: SONNET, ...split(0, 10_000) }),
        ],
      },
    ),
    0.04102, // 0.00002 + 0.04 + 0.001
  ],
  [
    'attempts with less than the whole',
    whole(SONNET, { input_tokens: 1000 }, { output_tokens: 100, iterations: [iteration('message', 0, 0)] }),
    0.003,
  ],
  [
    'attempts that are none',
    whole(SONNET, { input_tokens: 1000 }, { output_tokens: 100, iterations: [null, 7] }),
    0.003,
  ],
  ['nothing at all', '', 0],
];

describe('what is billed', () => {
  it.each(BILLS)('%s', (_, body, usd) => {
    expect(usdOf(runCost(prices, SONNET, readingOf(body, true), AT).totalPico)).toBeCloseTo(usd, 12);
  });

  it('has fifty-two shapes', () => {
    expect(BILLS).toHaveLength(52);
  });
});

describe('what is billed of a call that is cut while it thinks', () => {
  const open = start(SONNET, { input_tokens: 1000 }) + thinkingBlock;
  const thought = (content: Fields) =>
    sse({
      type: 'content_block_delta',
      index: 0,
      delta: { type: 'thinking_delta', thinking: '', ...content },
    });
  const closed = signature + sse({ type: 'content_block_stop', index: 0 });
  const PACE = { tokensPerSecond: 60, maxTokens: 4096 };

  /** The bodies, each with the seconds for which it stays open, and the tokens of output and of thinking. */
  const CUTS: readonly (readonly [
    what: string,
    body: string,
    seconds: number,
    output: number,
    of: number,
  ])[] = [
    ['at once', open, 0, 4, 0],
    ['after a second', open, 1, 64, 60], // 60 × 1 + 4.4
    ['after a minute', open, 60, 3604, 3600],
    ['after all that it may think', open, 600, 4100, 4096],
    [
      'by the counts of the API',
      open + thought({ estimated_tokens: 50 }) + thought({ estimated_tokens: 100 }),
      60,
      154,
      150,
    ],
    [
      'by counts that are none',
      open + thought({ estimated_tokens: null }) + thought({ estimated_tokens: -1 }),
      1,
      64,
      60,
    ],
    [
      'with a summary, which is shorter than what was thought',
      open + thought({ thinking: 'a'.repeat(400) }),
      10,
      604,
      600,
    ],
    ['with a text that is longer', open + thought({ thinking: 'a'.repeat(400) }), 1, 104, 100],
    ['once it is signed', open + signature, 60, 159, 155], // 1,000 bytes × 0.155
    ['once the block is closed', open + closed, 60, 159, 155],
    ['in a second block', open + closed + thinkingBlock, 10, 759, 755],
    ['in a second block, with what it may think used up', open + closed + thinkingBlock, 600, 4100, 4096],
    ['in the text after it', open + closed + said, 60, 183, 155], // 100 bytes × 0.236
    [
      'in an unsigned block that was closed at once',
      open + sse({ type: 'content_block_stop', index: 0 }),
      60,
      4,
      0,
    ],
  ];

  it.each(CUTS)('%s', (_, body, seconds, outputTokens, thinkingTokens) => {
    let now = 0;
    const meter = new UsageMeter(PACE, () => now);
    readerOf(body, meter);
    now = seconds * 1000;
    const reading = meter.reading();
    expect(reading).toMatchObject({ inputTokens: 1000, outputTokens, thinkingTokens, source: 'estimated' });
    const usd = 0.002 + outputTokens * 0.00001; // 1,000 at 2 and these at 10 a million
    expect(usdOf(runCost(prices, SONNET, reading, AT).totalPico)).toBeCloseTo(usd, 12);
  });

  it('nothing is estimated where the totals came', () => {
    const meter = new UsageMeter(PACE, () => 60_000);
    readerOf(open + closed + end({ output_tokens: 7 }), meter);
    meter.bodyEnded();
    expect(meter.reading()).toMatchObject({ outputTokens: 7, source: 'final' });
  });
});

it('says of what was thought how much of the output it is', () => {
  const [, body] = BILLS.find(([what]) => what === 'thinking, inside the output') ?? ['', ''];
  expect(readingOf(body, true)).toMatchObject({ outputTokens: 900, thinkingTokens: 800, source: 'final' });
});

it('names the model that answered in the place of one that declined', () => {
  const handOver = sse({
    type: 'content_block_start',
    index: 0,
    content_block: { type: 'fallback', from: { model: OPUS }, to: { model: SONNET } },
  });
  const body = start(OPUS, { input_tokens: 1000 }) + handOver + said;
  expect(readerOf(body).model).toBe(SONNET);
  expect(readingOf(body, false)).toMatchObject({ model: SONNET, source: 'estimated' });
  const ended = body + end(attempts([OPUS, 1000, 0], [SONNET, 1000, 100]));
  expect(readingOf(ended, true)).toMatchObject({ model: SONNET, source: 'final' });
});

it('keeps the terms of the start, which the totals do not repeat', () => {
  const body = whole(OPUS, { ...MILLION, inference_geo: 'us', speed: 'fast' }, { output_tokens: 1 });
  expect(readingOf(body, true).terms).toEqual({ inferenceGeo: 'us', serviceTier: null, speed: 'fast' });
});

it.each([
  ['nothing', '', { category: 'bio', partial: false }],
  ['words', said, { category: 'bio', partial: true }],
])('tells a refusal and its kind after %s', (_, before, expected) => {
  expect(
    readerOf(start(SONNET, { input_tokens: 1 }) + before + end({ output_tokens: 0 }, refusal)).refusal,
  ).toEqual(expected);
});

it('takes no category for a name that is none', () => {
  const odd = { stop_reason: 'refusal', stop_details: { category: 'words of a user' } };
  expect(readerOf(start(SONNET, {}) + end({}, odd)).refusal).toEqual({ category: null, partial: false });
  expect(
    readerOf(start(SONNET, {}) + end({}, { stop_reason: 'refusal', stop_details: null })).refusal,
  ).toEqual({
    category: null,
    partial: false,
  });
});

function readerOf(body: string, meter = new UsageMeter()): MessageParser {
  const reader = new MessageParser(SINK, meter, { events: 'text', showThinking: false });
  new SseDecoder((...event) => reader.read(...event)).push(Buffer.from(body).toString('latin1'));
  return reader;
}

function readingOf(body: string, ended: boolean) {
  const meter = new UsageMeter();
  readerOf(body, meter);
  if (ended) meter.bodyEnded();
  return meter.reading();
}
