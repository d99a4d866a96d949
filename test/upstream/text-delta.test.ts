import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fromWire, toWire } from '../../src/protocol/wire-text.ts';
import { textDelta } from '../../src/upstream/message-parser.ts';

const latin1 = (text: string) => Buffer.from(text, 'utf8').toString('latin1');
const event = (literal: string, tail = '"}}') =>
  `{"type":"content_block_delta","index":12,"delta":{"type":"text_delta","text":"${literal}${tail}`;

describe('a text delta of the usual shape', () => {
  test('is passed on exactly as it was written, for every text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.nat({ max: 20 }), (text, padding) => {
        const literal = JSON.stringify(text).slice(1, -1);
        const found = textDelta(latin1(event(literal, `"}${' '.repeat(padding)}}`)));
        expect(found).toBe(latin1(literal));
        expect(JSON.parse(`"${fromWire(found ?? toWire(''))}"`)).toBe(text);
      }),
    );
  });

  test.each([
    ['a raw line feed', event('a\nb')],
    ['a raw tab', event('a\tb')],
    ['an unknown escape', event('a\\x')],
    ['a cut escape', event('\\u12')],
    ['an escape of no hex digits', event('\\u12g4')],
    ['an escape of the closing quote', event('a\\')],
    ['no closing quote', event('abc', '')],
    ['one brace missing', event('abc', '"}')],
    ['something behind the last brace', event('abc', '"}} x')],
    ['another key behind the text', event('abc', '","more":1}}')],
    ['a delta of another type', event('x').replace('text_delta', 'thinking_delta')],
    ['other spacing', event('x').replace('"index":', '"index": ')],
    ['no index', event('x').replace('12', '')],
    ['bytes that are not UTF-8', event('\xff\xfe')],
    ['half a UTF-8 sequence', event('\xe2\x82')],
    ['a surrogate in UTF-8', event('\xed\xa0\xbd')],
  ])('is not taken for one with %s', (_, data) => {
    expect(textDelta(data)).toBeUndefined();
  });

  test('never takes what JSON.parse refuses', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('"', '\\', 'u', '0', 'd', '\n', '}', ' ', 'é') }),
        (noise) => {
          const data = latin1(event(noise));
          const found = textDelta(data);
          if (found !== undefined)
            expect(JSON.parse(fromWire(data as typeof found)).delta.text).toBe(
              JSON.parse(`"${fromWire(found)}"`),
            );
        },
      ),
    );
  });
});
