/** What a model said is kept whole where it may ask for tools, however its bytes come. */
import { expect, it } from 'vitest';
import { MessageParser } from '../../src/upstream/message-parser.ts';
import { SseDecoder } from '../../src/upstream/sse-decoder.ts';
import { UsageMeter } from '../../src/upstream/usage-meter.ts';

const SINK = { text() {}, event() {}, thinking() {}, tool() {}, began() {} };
const asker = { userHash: '', userId: null, organizationId: null, tier: null };
const toolUse = { tools: [], maxSteps: 1, action: 'chat', asker };

function contentOf(events: readonly object[], sliceBytes = 1 << 20) {
  const parser = new MessageParser(SINK, new UsageMeter(), { events: 'text', showThinking: false, toolUse });
  const decoder = new SseDecoder((name, bytes, from, end, atEnd) =>
    parser.read(name, bytes, from, end, atEnd),
  );
  const body = Buffer.from(events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('')).toString(
    'latin1',
  );
  for (let at = 0; at < body.length; at += sliceBytes) decoder.push(body.slice(at, at + sliceBytes));
  decoder.end();
  return parser.content?.complete();
}

const start = (index: number, block: object) => ({
  type: 'content_block_start',
  index,
  content_block: block,
});
const delta = (index: number, piece: object) => ({ type: 'content_block_delta', index, delta: piece });
const stop = (index: number) => ({ type: 'content_block_stop', index });
const BEGIN = { type: 'message_start', message: { model: 'm', content: [], usage: {} } };

const MESSAGE = [
  BEGIN,
  start(0, { type: 'thinking', thinking: '', signature: '' }),
  delta(0, { type: 'thinking_delta', thinking: 'Hm, “é” ' }),
  delta(0, { type: 'thinking_delta', thinking: '😀' }),
  delta(0, { type: 'signature_delta', signature: 'c2lnbmVk' }),
  stop(0),
  start(1, { type: 'redacted_thinking', data: 'cmVk' }),
  stop(1),
  start(2, { type: 'text', text: '' }),
  delta(2, { type: 'text_delta', text: 'Água "é" \\ ' }),
  delta(2, { type: 'text_delta', text: 'line\nend 😀' }),
  stop(2),
  start(3, { type: 'tool_use', id: 'toolu_1', name: 'look_up', input: {}, caller: { type: 'direct' } }),
  delta(3, { type: 'input_json_delta', partial_json: '' }),
  delta(3, { type: 'input_json_delta', partial_json: '{"topic": "Á' }),
  delta(3, { type: 'input_json_delta', partial_json: 'gua"}' }),
  stop(3),
  start(4, { type: 'tool_use', id: 'toolu_2', name: 'none', input: {} }),
  stop(4),
  start(5, { type: 'text', text: '' }),
  stop(5),
];

it.each([[1 << 20], [7], [1]])('in slices of %d bytes', (sliceBytes) => {
  expect(contentOf(MESSAGE, sliceBytes)).toEqual({
    content: [
      { type: 'thinking', thinking: 'Hm, “é” 😀', signature: 'c2lnbmVk' },
      { type: 'redacted_thinking', data: 'cmVk' },
      { type: 'text', text: 'Água "é" \\ line\nend 😀' },
      {
        type: 'tool_use',
        id: 'toolu_1',
        name: 'look_up',
        input: { topic: 'Água' },
        caller: { type: 'direct' },
      },
      { type: 'tool_use', id: 'toolu_2', name: 'none', input: {} },
    ],
    brokenInputs: new Set(),
  });
});

it('halves of a character that come apart are one again, and a lone one is replaced', () => {
  const content = (last: string) =>
    contentOf([
      BEGIN,
      start(0, { type: 'text', text: '' }),
      delta(0, { type: 'text_delta', text: 'a\ud83d' }),
      delta(0, { type: 'text_delta', text: last }),
    ])?.content;
  expect(content('\ude00')).toEqual([{ type: 'text', text: 'a😀' }]);
  expect(content('b')).toEqual([{ type: 'text', text: 'a\ufffdb' }]);
});

const DEEP = `{"topic": ${'['.repeat(20_000)}${']'.repeat(20_000)}}`;

it.each([
  ['cut', '{"topic": "a'],
  ['a list', '[1]'],
  ['null', 'null'],
  ['a text', '"text"'],
  ['nested without end', DEEP],
])('an input that is no object to go on with, %s, is empty and named', (_what, json) => {
  const said = contentOf([
    BEGIN,
    start(0, { type: 'tool_use', id: 'toolu_1', name: 'look_up', input: {} }),
    delta(0, { type: 'input_json_delta', partial_json: json }),
  ]);
  expect(said).toEqual({
    content: [{ type: 'tool_use', id: 'toolu_1', name: 'look_up', input: {} }],
    brokenInputs: new Set(['toolu_1']),
  });
});

it('nothing is kept where no tool may be asked for', () => {
  const parser = new MessageParser(SINK, new UsageMeter(), { events: 'text', showThinking: false });
  expect(parser.content).toBeUndefined();
});

it('another message in the same body begins anew', () => {
  expect(contentOf([...MESSAGE, BEGIN, start(0, { type: 'text', text: 'Second' })])?.content).toEqual([
    { type: 'text', text: 'Second' },
  ]);
});
