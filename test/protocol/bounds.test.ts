import { describe, expect, it } from 'vitest';
import { readChatFrame } from '../../src/ai-sdk/chat-frames.ts';
import {
  parseClientFrame,
  parseFrameText,
  parseHttpRequest,
  requireBoundedBody,
} from '../../src/protocol/parse-client-frame.ts';
import { parseJson } from '../../src/protocol/parse-json.ts';

const START = { type: 'start', id: 'a-question', action: 'chat' };

function starting(fields: object): string {
  return JSON.stringify({ ...START, messages: [{ role: 'user', content: '?' }], ...fields });
}

function refusalOf(text: string) {
  const parsed = parseClientFrame(text);
  return 'error' in parsed
    ? { code: parsed.error.code, message: parsed.error.message, of: parsed.of }
    : parsed;
}

const many = <T>(count: number, value: T): T[] => Array<T>(count).fill(value);
const keys = (count: number) => Object.fromEntries(many(count, 1).map((one, at) => [`k${at}`, one]));
/** Four of eighty fields, in an order that few others have. */
const orderly = (at: number) =>
  Object.fromEntries(many(4, 1).map((one, place) => [`${place}${Math.floor(at / 20 ** place) % 20}`, one]));
const block = { type: 'text', text: '?' };
const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'QUJD' } };

describe('what a frame may hold at most', () => {
  it('is taken', () => {
    const messages = many(500, { role: 'user', content: [block, image] });
    expect(parseClientFrame(starting({ messages }))).toHaveProperty('frame');
    const context = { list: many(4000, 1) };
    expect(parseClientFrame(starting({ messages: messages.slice(0, 250), context }))).toHaveProperty('frame');
  });

  it.each([
    ['messages', { messages: many(501, { role: 'user', content: '?' }) }, 'messages'],
    ['blocks', { messages: many(2, { role: 'user', content: many(501, block) }) }, '1000 blocks'],
    ['fields', keys(40), '32 fields'],
    ['fields of a message', { messages: [{ role: 'user', content: '?', ...keys(40) }] }, 'messages.0.'],
  ])('one more of %s is a bad request', (_what, fields, words) => {
    const { code, message, of } = refusalOf(starting(fields)) as {
      code: string;
      message: string;
      of: string;
    };
    expect([code, of]).toEqual(['bad_request', 'start']);
    expect(message).toContain(words);
  });

  it.each([
    ['of a block', { ...block, ...keys(40) }],
    ['of an image', { ...image, source: { ...image.source, ...keys(40) } }],
  ])('many fields %s are unsupported, as one is', (_what, each) => {
    expect(refusalOf(starting({ messages: [{ role: 'user', content: [each] }] }))).toMatchObject({
      code: 'unsupported',
    });
  });

  it.each([
    ['levels', starting({ context: { a: JSON.parse('['.repeat(64) + ']'.repeat(64)) as unknown } })],
    ['keys', starting({ context: keys(10_000) })],
    ['values', starting({ context: { list: many(30_000, 1) } })],
    ['fields in ever other orders', starting({ context: many(5000, 1).map((_, at) => orderly(at)) })],
    ['fields behind white space', starting({ context: keys(10_000) }).replaceAll(':', ' \t:')],
  ])('too many %s are refused at every door', (_what, text) => {
    expect(refusalOf(text)).toMatchObject({ code: 'bad_request' });
    expect(() => requireBoundedBody(text)).toThrow(/JSON/);
  });
});

/** As `useChat` sends them. */
const chatTurn = (at: number, tools: number) => [
  { id: `aB3dE5gH7jK9mN1p${at}`, role: 'user', parts: [{ type: 'text', text: 'And then?' }] },
  {
    id: `aisdk-${at}`,
    metadata: {
      ...{
        streamId: `aisdk-${at}`,
        epoch: 'wBf2nJ0cXk3rT9aQ',
        model: 'm',
        ending: 'done',
        stopReason: 'end_turn',
      },
      textLength: 3,
      usage: { inputTokens: 1, outputTokens: 1, cacheReadTokens: 0, cacheWriteTokens: 0, source: 'final' },
      timing: { firstTokenMs: 1, totalMs: 1, chunks: 1, bytes: 3 },
    },
    role: 'assistant',
    parts: [
      { type: 'step-start' },
      { type: 'reasoning', text: 'Hm.', state: 'done' },
      ...many(tools, {
        ...{
          type: 'dynamic-tool',
          toolName: 'lessons',
          toolCallId: 'c',
          title: 'Looking',
          input: {},
          output: {},
        },
        ...{ state: 'output-available', providerExecuted: true },
      }),
      { type: 'text', text: 'So.', state: 'done' },
    ],
  },
];

it('a chat of as many messages as an answer takes fits, with all that the AI SDK keeps beside them', () => {
  const messages = many(250, 0).flatMap((_, at) => chatTurn(at, 4));
  const frame = parseFrameText(
    JSON.stringify({ type: 'send', requestId: 'r', id: 'c', body: { action: 'chat' }, messages }),
  );
  expect(
    parseHttpRequest((readChatFrame(frame) as { request: object }).request).request.messages,
  ).toHaveLength(500);
});

describe('a fault is named by its place, the first one alone', () => {
  it.each([
    [
      {
        messages: [
          { role: 'user', content: '?' },
          { role: 'x', content: '?' },
        ],
      },
      'messages.1.role',
    ],
    [
      { messages: [{ role: 'user', content: many(50, 7) }] },
      'messages.0.content: a non-empty string or a list',
    ],
    [{ messages: [{ role: 'user', content: [null] }] }, 'messages.0.content: a non-empty string or a list'],
    [{ messages: [{ role: 'user', content: [] }] }, 'messages.0.content: a non-empty string or a list'],
    [{ messages: [7] }, 'messages.0.'],
    [{ messages: 'words' }, 'messages'],
    [{ context: 7 }, 'context: a string or an object'],
    [{ context: [] }, 'context: a string or an object'],
    [{ context: null }, 'context: a string or an object'],
  ])('%j', (fields, place) => {
    const refusal = refusalOf(starting(fields)) as { code: string; message: string };
    expect(refusal.code).toBe('bad_request');
    expect(refusal.message.startsWith(place), refusal.message).toBe(true);
    expect(refusal.message.length).toBeLessThan(200);
  });
});

describe('images', () => {
  it.each(['QUJD', 'QUI=', 'QQ=='])('%s is base64', (data) => {
    const content = [{ ...image, source: { ...image.source, data } }];
    expect(parseClientFrame(starting({ messages: [{ role: 'user', content }] }))).toHaveProperty('frame');
  });

  it.each(['QUJ', 'Q===', '====', 'QU=D', 'QU\nD', 'QU_-', 'QUI=QUI='])('%j is none', (data) => {
    const content = [{ ...image, source: { ...image.source, data } }];
    expect(refusalOf(starting({ messages: [{ role: 'user', content }] }))).toMatchObject({
      code: 'bad_request',
    });
  });
});

describe('bounds see marks outside of strings only', () => {
  it.each(['"[[[["', '"\\"[[[["', '"\\\\"', '"a\\\\\\"[[["', '[",,,,"]', '{"a":"}{"}', '"\\u005b[[["'])(
    '%s',
    (text) => {
      expect(parseJson(text, { depth: 1, values: 2 })).toEqual(JSON.parse(text));
    },
  );

  it.each(['[[1]]', '"x\\\\",[[', '[1,2]', '{"a":{}}'])('%s is over them', (text) => {
    expect(() => parseJson(text, { depth: 1, values: 2 })).toThrow(/JSON/);
  });

  it.each(['', '"', '"\\', '{', '[1,]'])('%j is no JSON', (text) => {
    expect(() => parseJson(text, { depth: 9, values: 9 })).toThrow('this is not JSON');
  });
});
