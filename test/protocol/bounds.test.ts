import { describe, expect, it } from 'vitest';
import { parseClientFrame, requireBoundedBody } from '../../src/protocol/parse-client-frame.ts';
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
    ['values', starting({ context: { list: many(10_000, 1) } })],
    ['levels', starting({ context: { a: JSON.parse('['.repeat(64) + ']'.repeat(64)) as unknown } })],
    ['keys', starting({ context: keys(10_000) })],
  ])('too many %s are refused at every door', (_what, text) => {
    expect(refusalOf(text)).toMatchObject({ code: 'bad_request' });
    expect(() => requireBoundedBody(text)).toThrow(/JSON/);
  });
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
