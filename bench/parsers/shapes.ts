/**
 * Texts of one size and many shapes, for every parser of what strangers send. The honest ones say what a KiB costs where
 * nobody means ill; the others are what that cost could be driven to.
 */

import { CONTINUATION, frame, PING, TEXT } from '../../test/http/masked-frame.ts';

/** Name → a text of about so many bytes. */
export type Shapes = Readonly<Record<string, (bytes: number) => string>>;

const QUESTION = { type: 'start', id: 'a-question', action: 'chat' };
const WORDS = 'Why is the sky blue? Because “scattered” light é 你好 reaches us.\nAnd "so" on. ';

/** So many times that the text has about `bytes`. */
export function fill(part: string, bytes: number, between = ''): string {
  const count = Math.max(1, Math.floor(bytes / (Buffer.byteLength(part) + between.length)));
  return Array<string>(count).fill(part).join(between);
}

function nested(open: string, close: string, bytes: number): string {
  const levels = Math.floor(bytes / (open.length + close.length));
  return open.repeat(levels) + close.repeat(levels);
}

/** `"k0":1,"k1":1` …, no more than a client's JSON may have: what is refused for its size is cheap. */
function fields(bytes: number, value = '1'): string {
  const count = Math.min(9900, Math.floor(bytes / (10 + value.length)));
  return Array.from({ length: count }, (_, at) => `"k${at}":${value}`).join();
}

function start(raw: string): string {
  return `${JSON.stringify(QUESTION).slice(0, -1)},${raw}}`;
}

function asking(content: string): string {
  return `"messages":[{"role":"user","content":${content}}]`;
}

const message = (content: string): string => JSON.stringify({ role: 'user', content });
const textBlock = JSON.stringify({ type: 'text', text: 'Why?' });
const image = (data: string): string =>
  JSON.stringify({ type: 'image', source: { type: 'base64', media_type: 'image/png', data } });

/** Of a `start` frame, and, without `type`, of a request body. */
export const requests: Shapes = {
  conversation: (bytes) => start(`"messages":[${fill(message(WORDS.repeat(6)), bytes, ',')}]`),
  'long text': (bytes) => start(asking(JSON.stringify(fill(WORDS, bytes * 0.9)))),
  'one image': (bytes) => start(asking(`[${image('QUJD'.repeat(bytes / 4))}]`)),
  'an image, wrong at its end': (bytes) => start(asking(`[${image(`${'QUJD'.repeat(bytes / 4)}!AA=`)}]`)),
  'an image of padding': (bytes) => start(asking(`[${image('='.repeat(bytes))}]`)),
  'many numbers as content': (bytes) => start(asking(`[${fill('1', bytes, ',')}]`)),
  'many numbers as messages': (bytes) => start(`"messages":[${fill('1', bytes, ',')}]`),
  'fewer numbers': (bytes) => start(asking(`[${fill(`1${' '.repeat(20)}`, bytes, ',')}]`)),
  'nested lists': (bytes) => start(`"context":${nested('[', ']', bytes)}`),
  'nested objects': (bytes) => start(`"context":${nested('{"a":', '}', bytes).replace('}', '1}')}`),
  'nested to the bound': (bytes) => start(`"context":{"a":[${fill(nested('[', ']', 50), bytes, ',')}]}`),
  'many keys': (bytes) => start(`"context":{${fields(bytes)}}`),
  'many unknown fields': (bytes) => start(`${asking('"?"')},${fields(bytes)}`),
  'many unknown fields of a message': (bytes) =>
    start(`"messages":[{"role":"user","content":"?",${fields(bytes)}}]`),
  'many unknown fields of a block': (bytes) => start(asking(`[{"type":"text","text":"?",${fields(bytes)}}]`)),
  'many unknown fields of a source': (bytes) =>
    start(asking(`[{"type":"image","source":{"type":"base64",${fields(bytes)}}}]`)),
  'one field again and again': (bytes) => start(`${asking('"?"')},${fill('"context":1', bytes, ',')}`),
  'many messages': (bytes) => start(`"messages":[${fill(message('?'), Math.min(bytes, 16_000), ',')}]`),
  'many messages of a wrong role': (bytes) =>
    start(`"messages":[${fill('{"role":"x","content":"?"}', bytes, ',')}]`),
  'many messages, wrong at their end': (bytes) =>
    start(`"messages":[${fill(message('?'), Math.min(bytes, 16_000), ',')},0]`),
  'many blocks': (bytes) => start(asking(`[${fill(textBlock, Math.min(bytes, 28_000), ',')}]`)),
  'many blocks of a wrong type': (bytes) => start(asking(`[${fill('{"type":1}', bytes, ',')}]`)),
  'many blocks of no text': (bytes) => start(asking(`[${fill('{"type":"text"}', bytes, ',')}]`)),
  'many escapes': (bytes) => start(asking(`"${'\\u0041'.repeat(bytes / 6)}"`)),
  'many escaped quotes': (bytes) => start(asking(`"${'\\"'.repeat(bytes / 2)}"`)),
  'many backslashes': (bytes) => start(asking(`"${'\\\\'.repeat(bytes / 2)}"`)),
  'many short strings': (bytes) => start(`"context":{"a":[${fill('""', bytes, ',')}]}`),
  'lone surrogates': (bytes) => start(asking(`"${'\\ud800'.repeat(bytes / 6)}"`)),
  'white space as content': (bytes) => start(asking(`"${' '.repeat(bytes)}"`)),
  'white space, but for its end': (bytes) => start(asking(`"${' '.repeat(bytes)}a"`)),
  'a long id': (bytes) => start(`${asking('"?"')},"id":"${'i'.repeat(bytes)}"`),
  'a long action': (bytes) => start(`${asking('"?"')},"action":"${'i'.repeat(bytes)}"`),
  'a long number': (bytes) => start(`${asking('"?"')},"maxTokens":${'9'.repeat(bytes)}`),
  'a string without its end': (bytes) => start(`"context":"${'x'.repeat(bytes)}`).slice(0, -1),
  'only quotes': (bytes) => '"'.repeat(bytes),
  'only brackets': (bytes) => '['.repeat(bytes),
  'only spaces': (bytes) => ' '.repeat(bytes),
};

const delta = (text: string): string =>
  `event: content_block_delta\ndata: ${JSON.stringify({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } })}\n\n`;
const event = (raw: string): string => `event: x\ndata: ${raw}\n\n`;

export const upstreamBodies: Shapes = {
  'short deltas': (bytes) => fill(delta('four '), bytes),
  'long deltas': (bytes) => fill(delta(WORDS.repeat(10)), bytes),
  'one long delta': (bytes) => delta(fill(WORDS, bytes)),
  'deltas of escapes': (bytes) => fill(delta('"'.repeat(100)), bytes),
  'deltas in another order': (bytes) =>
    fill(
      event('{"delta":{"text":"four ","type":"text_delta"},"type":"content_block_delta","index":0}'),
      bytes,
    ),
  'deltas that are not UTF-8': (bytes) => fill(delta(`a\u00ff${'x'.repeat(100)}`), bytes),
  'small unknown events': (bytes) => fill(event('{}'), bytes),
  'an event of numbers': (bytes) => event(`[${fill('1', bytes, ',')}]`),
  'an event of brackets': (bytes) => event(nested('[', ']', bytes)),
  'an event of keys': (bytes) => event(`{${fields(bytes)}}`),
  'an event of many lines': (bytes) => `event: x\n${fill('data: 1\n', bytes)}\n`,
  'an event without its end': (bytes) => `data: ${'x'.repeat(bytes)}`,
  comments: (bytes) => fill(':\n', bytes),
  'empty lines': (bytes) => '\n'.repeat(bytes),
  'carriage returns': (bytes) => '\r'.repeat(bytes),
  'names without data': (bytes) => fill('event: x\n\n', bytes),
  pings: (bytes) => fill('event: ping\ndata: {"type":"ping"}\n\n', bytes),
};

/** Deltas as machines write them for each other: a mark and JSON. */
export const batches: Shapes = {
  'short deltas': (bytes) => fill('\x1efour ', bytes),
  'long deltas': (bytes) => fill(`\x1e${JSON.stringify(WORDS.repeat(10)).slice(1, -1)}`, bytes),
  events: (bytes) => fill('\x1f{"type":"ping"}', bytes),
  'empty deltas': (bytes) => '\x1e'.repeat(bytes),
  'an event of numbers': (bytes) => `\x1f[${fill('1', bytes, ',')}]`,
  'an event of brackets': (bytes) => `\x1f${nested('[', ']', bytes)}`,
  escapes: (bytes) => fill('\x1e\\"\\"\\"\\"', bytes),
  'no mark': (bytes) => 'x'.repeat(bytes),
};

/** Fields set apart by a mark. */
export const machineMessages: Shapes = {
  added: (bytes) => ['added', 'AAAAAAAAAAAAAAAA', '9', `\x1e${'x'.repeat(bytes)}`, ''].join('\x1d'),
  'only marks': (bytes) => '\x1d'.repeat(bytes),
  'a long epoch': (bytes) => `cancel\x1d${'x'.repeat(bytes)}`,
  'a long machine': (bytes) => `follow\x1dAAAAAAAAAAAAAAAA\x1d${'x'.repeat(bytes)}`,
};

export const endings: Shapes = {
  done: (bytes) =>
    JSON.stringify({
      type: 'done',
      id: 'a',
      seq: 1,
      stopReason: 'x'.repeat(bytes),
      model: 'm',
      textLength: 1,
      usage: { inputTokens: 1, outputTokens: 1, cacheReadTokens: 0, cacheWriteTokens: 0, source: 'final' },
      timing: { firstTokenMs: 1, totalMs: 1, chunks: 1, bytes: 1 },
    }),
  'many keys': (bytes) => `{"type":"done","id":"a","seq":1,${fields(bytes)}}`,
  brackets: (bytes) => nested('[', ']', bytes),
  numbers: (bytes) => `[${fill('1', bytes, ',')}]`,
};

const part = (json: string): string => Buffer.from(json).toString('base64url');
const header = part('{"alg":"ES256","kid":"k","typ":"JWT"}');
const signed = (claims: string): string => `${header}.${part(claims)}.AAAA`;

export const tokens: Shapes = {
  'usual claims': (bytes) =>
    signed(JSON.stringify({ sub: 'x', user_metadata: { name: 'x'.repeat(bytes * 0.7) } })),
  'claims of brackets': (bytes) => signed(nested('[', ']', bytes * 0.7)),
  'claims of keys': (bytes) => signed(`{${fields(bytes * 0.7)}}`),
  'claims of numbers': (bytes) => signed(`[${fill('1', bytes * 0.7, ',')}]`),
  'only points': (bytes) => '.'.repeat(bytes),
  'no base64': (bytes) => `${header}.${'!'.repeat(bytes)}.AAAA`,
  'not canonical': (bytes) => `${header}.${'A'.repeat(bytes)}B.AAAA`,
};

/** Values of request headers: all of them together are 16 KiB at most. */
export const headers: Shapes = {
  token: (bytes) => `bearer.${'x'.repeat(bytes)}`,
  list: (bytes) => Array.from({ length: bytes / 8 }, (_, at) => `name${at}`).join(', '),
  commas: (bytes) => ','.repeat(bytes),
  spaces: (bytes) => `a${' '.repeat(bytes)}b`,
  addresses: (bytes) => fill('10.0.0.1', bytes, ', '),
  'longer addresses': (bytes) => fill('fd00:0000:0000:0000:0000:0000:0000:0001', bytes, ','),
  digits: (bytes) => `AAAAAAAAAAAAAAAA.${'9'.repeat(bytes)}`,
};

const framed = (opcode: number, fin: boolean, payload: string): string =>
  frame({ opcode, fin, payload }).toString('latin1');

/** Frames of one connection, one char per byte. One of the upper half counts as two bytes: such a KiB costs up to twice what is said. */
export const frames: Shapes = {
  'whole messages': (bytes) => fill(framed(TEXT, true, WORDS), bytes),
  'messages in two fragments': (bytes) =>
    fill(framed(TEXT, false, WORDS) + framed(CONTINUATION, true, WORDS), bytes),
  'one message in as many fragments as may be': (bytes) =>
    framed(TEXT, false, '') + fill(framed(CONTINUATION, false, fill(WORDS, bytes / 64)), bytes * 0.95),
  'empty messages': (bytes) => fill(framed(TEXT, false, '') + framed(CONTINUATION, true, ''), bytes),
  'empty pings within a message': (bytes) => framed(TEXT, false, '') + fill(framed(PING, true, ''), bytes),
  'text that breaks off within a character': (bytes) =>
    framed(TEXT, false, '') + framed(CONTINUATION, false, fill('😀', bytes)).slice(0, -1),
  'a length that is never reached': (bytes) =>
    framed(TEXT, false, '') + framed(CONTINUATION, true, 'x'.repeat(2 * bytes)).slice(0, bytes),
};
