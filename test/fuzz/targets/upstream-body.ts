/** A body of the model's API, or of whoever stands in its place: events cut anywhere, events that are none. */
import assert from 'node:assert/strict';
import type { ToolUse } from '../../../src/models/tools.ts';
import { fromWire, type WireText } from '../../../src/protocol/wire-text.ts';
import { MessageParser } from '../../../src/upstream/message-parser.ts';
import type { UpstreamSink } from '../../../src/upstream/port.ts';
import { SseDecoder } from '../../../src/upstream/sse-decoder.ts';
import { UsageMeter } from '../../../src/upstream/usage-meter.ts';
import {
  messageEnd,
  messageStart,
  PING,
  sse,
  streamedError,
  wholeMessage,
} from '../../upstream/message-script.ts';
import { type FuzzTarget, subject } from '../fuzz-target.ts';

const block = (index: number, content_block: object) =>
  sse({ type: 'content_block_start', index, content_block });
const delta = (index: number, fields: object) => sse({ type: 'content_block_delta', index, delta: fields });
const stop = (index: number) => sse({ type: 'content_block_stop', index });
const usage = {
  input_tokens: 10,
  output_tokens: 5,
  cache_read_input_tokens: 100,
  cache_creation_input_tokens: 30,
  cache_creation: { ephemeral_5m_input_tokens: 20, ephemeral_1h_input_tokens: 10 },
  output_tokens_details: { thinking_tokens: 3 },
  server_tool_use: { web_search_requests: 2 },
  service_tier: 'priority',
  iterations: [{ type: 'message', model: 'model-named', input_tokens: 1, output_tokens: 2 }],
};

const CORPUS = [
  wholeMessage('Sunlight ', 'is “made” of ', 'many \\ colours 🍕\n'),
  messageStart(usage) +
    block(0, { type: 'thinking', thinking: '' }) +
    delta(0, { type: 'thinking_delta', thinking: 'Hm', estimated_tokens: 4 }) +
    delta(0, { type: 'signature_delta', signature: 'c2ln' }) +
    stop(0) +
    block(1, { type: 'text', text: 'So' }) +
    delta(1, { type: 'text_delta', text: 'it is.' }) +
    delta(1, { type: 'citations_delta', citation: { cited_text: 'x' } }) +
    stop(1) +
    messageEnd(),
  messageStart() +
    block(0, { type: 'tool_use', id: 'toolu_1', name: 'look_up', input: {} }) +
    delta(0, { type: 'input_json_delta', partial_json: '{"a":' }) +
    delta(0, { type: 'input_json_delta', partial_json: '1}' }) +
    stop(0) +
    messageEnd(7, 'tool_use'),
  messageStart() +
    block(0, { type: 'redacted_thinking', data: 'AAAA' }) +
    stop(0) +
    streamedError('overloaded_error'),
  messageStart() +
    block(0, { type: 'fallback', to: { model: 'model-other' } }) +
    sse({
      type: 'message_delta',
      delta: { stop_reason: 'refusal', stop_details: { category: 'bio' } },
      usage,
    }) +
    sse({ type: 'message_stop' }) +
    wholeMessage('Another message.') +
    'data: [DONE]\n\n',
  sse({
    type: 'message_start',
    message: { model: 'm', usage, content: [{ type: 'text', text: 'whole' }], stop_reason: 'end_turn' },
  }),
  `\ufeff: a comment\r\n${PING}event: error\rdata: {"error":{"type":"api_error"}}\r\rid: 1\nretry: 2\ndata: {"type":\ndata: "ping"}\n\n`,
];

const WORDS = [
  ...[
    'event: content_block_delta\ndata: ',
    'data: ',
    'event: ',
    '\n\n',
    '{"type":"content_block_delta","index":',
  ],
  ...[
    ',"delta":{"type":"text_delta","text":"',
    '"}}',
    '\\u00',
    '\\ud83c',
    '\t',
    '"usage":',
    '"input_tokens":',
  ],
];

const TOOL_USE: ToolUse = {
  tools: [],
  maxSteps: 1,
  action: 'chat',
  asker: { userHash: null, userId: null, organizationId: null, tier: null },
};

export const upstreamBody: FuzzTarget = {
  name: 'upstream body',
  corpus: CORPUS,
  words: WORDS,
  cases: 250,
  open: () => subject(check),
};

function check(input: string): void {
  const body = Buffer.from(input).toString('latin1');
  for (const events of ['text', 'all'] as const) {
    const whole = read(body, [body.length], events);
    const cut = read(body, sizesOf(body), events);
    assert.deepEqual(cut, whole, 'what a body says depends on where it is cut');
    for (const tokens of whole.tokens)
      assert.ok(Number.isSafeInteger(tokens) && tokens >= 0, `${tokens} tokens`);
    for (const { kind, json } of whole.said) requireJson(json, kind === 'event');
  }
}

interface Said {
  readonly kind: 'text' | 'event' | 'thinking';
  readonly json: WireText;
}

function read(body: string, sizes: readonly number[], events: 'text' | 'all') {
  const said: Said[] = [];
  const sink: UpstreamSink = {
    text: (json) => void said.push({ kind: 'text', json }),
    event: (json) => void said.push({ kind: 'event', json }),
    thinking: (json) => void (json === undefined || said.push({ kind: 'thinking', json })),
    tool() {},
    began() {},
  };
  const meter = new UsageMeter();
  const parser = new MessageParser(sink, meter, { events, showThinking: true, toolUse: TOOL_USE });
  const decoder = new SseDecoder((...event) => parser.read(...event));
  let at = 0;
  for (let turn = 0; at < body.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1;
    assert.ok(decoder.push(body.slice(at, at + size)));
    at += size;
  }
  decoder.end();
  const { source, messages = [], ...reading } = meter.reading();
  const tokens = [reading, ...messages].flatMap((each) =>
    Object.values(each).filter((value) => typeof value === 'number'),
  );
  const { stopReason, refusal, model, error, malformed, stopped } = parser;
  return { said, source, tokens, stopReason, refusal, model, error, malformed, stopped };
}

/** It becomes a part of a frame, and a line of an event stream, as it stands. */
function requireJson(json: WireText, isWhole: boolean): void {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: none of them may be there
  assert.doesNotMatch(json, /[\x00-\x1f]/);
  const text = fromWire(json);
  assert.equal(Buffer.from(text).toString('latin1'), json, 'it is UTF-8');
  JSON.parse(isWhole ? text : `"${text}"`);
}

/** A few sizes of pieces, told by the body itself. */
function sizesOf(body: string): number[] {
  return [body.length, body.charCodeAt(0) || 0, body.charCodeAt(body.length >> 1) || 0].map(
    (each) => 1 + (each % 13),
  );
}
