import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromWire, toWire, utf8Length, utf16Length, type WireText } from '../../src/protocol/wire-text.ts';

const inside = (json: string): WireText => toWire(json.slice(1, -1));

describe('lengths of a JSON string without decoding it', () => {
  it('agree with the decoded text, whatever characters', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const json = inside(JSON.stringify(text));
        expect(utf16Length(json)).toBe(text.length);
        expect(utf8Length(json)).toBe(Buffer.byteLength(text));
      }),
    );
  });

  it('agree with it where everything is escaped', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const units = text.split('').map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
        const json = units.join('') as WireText;
        expect(utf16Length(json)).toBe(text.length);
        expect(utf8Length(json)).toBe(Buffer.byteLength(text));
      }),
    );
  });

  it('add up over two halves of an escaped surrogate pair', () => {
    const [high, low] = ['\\ud83d', '\\ude00'] as [WireText, WireText];
    expect(utf16Length(high) + utf16Length(low)).toBe('😀'.length);
    expect(utf8Length(high) + utf8Length(low)).toBe(Buffer.byteLength('😀'));
  });
});

describe('WireText', () => {
  it('is one char a byte, and comes back the same', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(toWire(text)).toHaveLength(Buffer.byteLength(text));
        expect(fromWire(toWire(text))).toBe(text);
      }),
    );
  });
});
