import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SseDecoder } from '../../src/upstream/sse-decoder.ts';

function decode(slices: readonly string[]): { events: [string, string][]; fits: boolean } {
  const events: [string, string][] = [];
  const decoder = new SseDecoder(
    (name, text, from, end) => events.push([name, text.slice(from, end)]),
    1_000,
  );
  const fits = slices.map((slice) => decoder.push(slice)).every(Boolean);
  decoder.end();
  return { events, fits };
}

describe('the event decoder', () => {
  test.each([
    ['line feeds', '\n'],
    ['carriage returns with line feeds', '\r\n'],
    ['carriage returns', '\r'],
  ])('splits lines at %s, however the bytes are sliced', (_, newline) => {
    const body = ['event: a', 'data: {"x":1}', '', ': comment', 'data: two', '', ''].join(newline);
    for (const size of [1, 2, 3, 7, body.length]) {
      const slices = body.match(new RegExp(`[^]{1,${size}}`, 'g')) ?? [];
      expect(decode(slices).events, `slices of ${size}`).toEqual([
        ['a', '{"x":1}'],
        ['', 'two'],
      ]);
    }
  });

  test('joins several data lines by a space', () => {
    expect(decode(['data: {"x":\ndata:1}\n\n']).events).toEqual([['', '{"x": 1}']]);
  });

  test('strips one space behind the colon, and keeps padding at the end', () => {
    expect(decode(['data:  x  \n\n']).events).toEqual([['', ' x  ']]);
  });

  test('skips a byte order mark, also a sliced one', () => {
    expect(decode(['\xef', '\xbb\xbfda', 'ta: x\n\n']).events).toEqual([['', 'x']]);
  });

  test('ignores id, retry, unknown fields, and an event without data', () => {
    expect(decode(['id: 1\nretry: 5\ndatax: y\nevent: lonely\n\ndata: x\n\n']).events).toEqual([['', 'x']]);
  });

  test.each(['data: x', 'data: x\n'])(
    'gives the last event of a body that ends without a blank line',
    (body) => {
      expect(decode([body]).events).toEqual([['', 'x']]);
    },
  );

  test('refuses an event over the limit, in one line or in many', () => {
    expect(decode(['data: ', 'x'.repeat(600), 'x'.repeat(600)]).fits).toBe(false);
    expect(decode(Array(300).fill('data: xxxxx\n')).fits).toBe(false);
    expect(decode(Array(300).fill('data: xxxxx\n\n')).fits).toBe(true);
  });

  test('gives the same events for every slicing of every body', () => {
    const line = fc.constantFrom('event: e', 'data: d', 'data:', 'data', ':', '', '', 'x: y');
    const body = fc
      .array(fc.tuple(line, fc.constantFrom('\n', '\r\n', '\r')), { maxLength: 20 })
      .map((lines) => lines.map(([text, newline]) => text + newline).join(''));
    fc.assert(
      fc.property(body, fc.array(fc.nat({ max: 5 }), { maxLength: 60 }), (whole, sizes) => {
        const slices: string[] = [];
        let at = 0;
        for (const size of sizes) {
          slices.push(whole.slice(at, at + size));
          at += size;
        }
        slices.push(whole.slice(at));
        expect(decode(slices).events).toEqual(decode([whole]).events);
      }),
    );
  });
});
