/** Colours of code that grows: what is read, how often, and where it ends. */
import { describe, expect, it } from 'vitest';
import { CodeLexer, type CodeReading, type CodeToken } from '../../src/react/assistant/web/code-lexer.ts';

/** Knows comments, which may have many lines, and numbers. */
const PARTS = /\/\*(?:[^*]|\*(?!\/))*(?:\*\/)?|\d+/g;

function readComments(piece: string, start: number): { tokens: CodeToken[]; isClosed: boolean } {
  const found = Array.from(piece.matchAll(PARTS));
  const last = found.at(-1)?.[0] ?? '';
  return {
    tokens: found.map(({ 0: words, index }) => ({
      colour: words.startsWith('/*') ? 'codeComment' : 'codeNumber',
      start: start + index,
      end: start + index + words.length,
    })),
    isClosed: !last.startsWith('/*') || last.endsWith('*/'),
  };
}

function recorded(): { read: CodeReading; pieces: string[] } {
  const pieces: string[] = [];
  return {
    pieces,
    read: (piece, start) => {
      pieces.push(piece);
      return readComments(piece, start);
    },
  };
}

function readAll(lexer: CodeLexer, text: string): void {
  lexer.update(text);
  while (lexer.readTo < text.length) lexer.readNext();
}

const LINE = 'value = 12345 + x;\n';
const COMMENT = `/* ${'word 1\n'.repeat(60)}*/\n`;
const CODE = `${LINE.repeat(90)}${COMMENT}`.repeat(12);

describe('code that is there', () => {
  it('is read a piece at a time, and is what it were if it had been read at once', () => {
    const { read, pieces } = recorded();
    const lexer = new CodeLexer(read);
    readAll(lexer, CODE);
    expect(lexer.tokensBetween(0, CODE.length)).toEqual(readComments(CODE, 0).tokens);
    expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThan(5000);
  });

  it('is told by its parts, what reaches into one whole', () => {
    const lexer = new CodeLexer(readComments);
    readAll(lexer, `1\n/* 2\n3 */\n4`);
    expect(lexer.tokensBetween(8, 13)).toEqual([
      { colour: 'codeComment', start: 2, end: 11 },
      { colour: 'codeNumber', start: 12, end: 13 },
    ]);
  });

  it('is plain after what never ends, a line of over 5,000 characters, and 100,000 characters', () => {
    const lastColoured = (text: string): number => {
      const lexer = new CodeLexer(readComments);
      readAll(lexer, text);
      expect(lexer.readTo).toBe(Number.POSITIVE_INFINITY);
      return Math.max(0, ...lexer.tokensBetween(0, text.length).map(({ end }) => end));
    };
    expect(lastColoured(`/*${LINE.repeat(2000)}*/ 1`)).toBeLessThan(9000);
    expect(lastColoured(`1\n${'x'.repeat(5001)}\n1`)).toBe(1);
    expect(lastColoured(LINE.repeat(6000))).toBeLessThanOrEqual(100_000);
    expect(lastColoured(LINE.repeat(6000))).toBeGreaterThan(99_900);
  });
});

describe('code that grows', () => {
  it('is read again only where it may have changed', () => {
    const { read, pieces } = recorded();
    const lexer = new CodeLexer(read);
    for (let length = 8; length < CODE.length; length += 8) readAll(lexer, CODE.slice(0, length));
    readAll(lexer, CODE);
    expect(lexer.tokensBetween(0, CODE.length)).toEqual(readComments(CODE, 0).tokens);
    expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThan(5000);
  });

  it('begins anew where it becomes another', () => {
    const lexer = new CodeLexer(readComments);
    readAll(lexer, CODE);
    readAll(lexer, '1');
    expect(lexer.tokensBetween(0, CODE.length)).toEqual([{ colour: 'codeNumber', start: 0, end: 1 }]);
  });
});
