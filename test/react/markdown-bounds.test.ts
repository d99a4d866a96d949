import type { Token } from 'marked';
import { describe, expect, it } from 'vitest';
import { createBlockParser } from '../../src/react/assistant/markdown/blocks.ts';
import { lex } from '../../src/react/assistant/markdown/lexer.ts';
import { LONG } from '../support/test-run.ts';

/** Of lists, items, quotes, marks and links in one another, with some room for the text in them. */
const DEEPEST = 40;
/** Of a text while it grows, characters: how often it is read then. The long run reads all of them as often as short ones. */
const DELTA = 97;
const MOST_READS = LONG ? Number.POSITIVE_INFINITY : 60;

function depthOf(tokens: readonly Token[] = []): number {
  const depths = tokens.map((token) => {
    const { tokens: inner = [], items = [] } = token as { tokens?: Token[]; items?: Token[] };
    return 1 + depthOf([...inner, ...items]);
  });
  return Math.max(0, ...depths);
}

const letters = (text: string): string => text.replaceAll(/[^a-z]/g, '');
const lines = (count: number, line: (at: number) => string): string =>
  Array.from({ length: count }, (_, at) => line(at)).join('\n');

describe('nesting', () => {
  it.each([
    ['quotes', `${'> '.repeat(600)}x`],
    ['quotes without spaces', `${'>'.repeat(600)}x`],
    ['bullets', `${'- '.repeat(600)}x`],
    ['numbers', `${'1. '.repeat(600)}x`],
    ['quotes, bullets and numbers', `${'> - 1. '.repeat(200)}x`],
    ['quotes, a deeper one in each line', lines(200, (at) => `${'> '.repeat(at)}x`)],
    ['quotes that go on lazily', '> > > > > > > > > > > a\nb\n'.repeat(50)],
    ['a list, a deeper item in each line', lines(200, (at) => `${'  '.repeat(at)}- x`)],
    ['bold', `${'**a '.repeat(300)}${'b** '.repeat(300)}`],
    ['emphasis', `${'*a'.repeat(300)} ${'b*'.repeat(300)}`],
    ['both in turn', `${'**_a'.repeat(200)} ${'b_**'.repeat(200)}`],
    ['strokes', `${'~~a '.repeat(300)}${'b~~ '.repeat(300)}`],
    ['links', `${'[a'.repeat(300)}${'](b)'.repeat(300)}`],
    ['brackets', `${'['.repeat(300)}a${']'.repeat(300)}`],
    ['images', `${'![a'.repeat(300)}${'](b)'.repeat(300)}`],
    ['a quote in a table', `| a |\n|---|\n| ${'> '.repeat(300)}${'**a '.repeat(300)} |`],
  ])('has an end, and all of the text stays: %s', (_what, text) => {
    const tokens = lex(text);
    expect(depthOf(tokens)).toBeLessThanOrEqual(DEEPEST);
    expect(letters(tokens.map(({ raw }) => raw).join(''))).toBe(letters(text));
    const growing = createBlockParser();
    const delta = Math.max(DELTA, Math.ceil(text.length / MOST_READS));
    for (let end = 0; end < text.length; end += delta) growing.read(text.slice(0, end), 'growing');
    expect(depthOf(growing.read(text, 'growing'))).toBeLessThanOrEqual(DEEPEST);
  });

  it('is read as it was meant as deep as people nest', () => {
    const quote = lex(`${'> '.repeat(8)}*x*`);
    expect(depthOf(quote)).toBe(8 + 3); // its paragraph, the emphasis, the letter
    expect(depthOf(lex('- a\n  - b\n    - c\n      1. d\n         - **e**'))).toBe(2 * 5 + 3);
  });
});

it('looks for marks in a long text piece by piece, and leaves none of it out', () => {
  const sentence = 'Some *soft* and **strong** words, and `code`. ';
  const text = sentence.repeat(500).trim();
  const [paragraph] = lex(text);
  const tokens = (paragraph as { tokens: Token[] }).tokens;
  expect(tokens.map(({ raw }) => raw).join('')).toBe(text);
  const count = (type: string) => tokens.filter((token) => token.type === type).length;
  const cuts = Math.ceil(text.length / 4096);
  for (const type of ['em', 'strong', 'codespan']) expect(count(type)).toBeGreaterThanOrEqual(500 - cuts);
});
