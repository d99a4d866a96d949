/** How much is read again while a text grows: counted in characters, as time depends on the machine. */
import { Lexer, type Tokens } from 'marked';
import { describe, expect, it, vi } from 'vitest';
import { createBlockParser } from '../../src/react/assistant/markdown/blocks.ts';
import { lex } from '../../src/react/assistant/markdown/lexer.ts';

const lines = (count: number, line: (at: number) => string): string[] =>
  Array.from({ length: count }, (_, at) => `${line(at)}\n`);
const table = (count: number) => ['| a | b |\n', '|---|---|\n', ...lines(count, (at) => `| ${at} | **b** |`)];

/** Characters that were read, blocks within blocks counted once more, while `act` runs. */
function readingOf(act: () => void): number {
  const spy = vi.spyOn(Lexer.prototype, 'blockTokens');
  act();
  const characters = spy.mock.calls.reduce((sum, [src]) => sum + src.length, 0);
  spy.mockRestore();
  return characters;
}

it('reads of a long paragraph that grows only its last piece again', () => {
  const reader = createBlockParser();
  let text = '';
  const costs = Array.from({ length: 60 }, (_, at) => {
    text += `Some *soft* words of line ${at}.\n`.repeat(20);
    return readingOf(() => reader.read(text, 'growing'));
  });
  expect(text.length).toBeGreaterThan(30_000);
  expect(Math.max(...costs)).toBeLessThanOrEqual(4 * 4096);
});

describe('a block of many parts that grows', () => {
  it.each([
    ['rows', table(600)],
    ['bullets', lines(600, (at) => `- item **${at}**`)],
    ['numbers with space between them', lines(600, (at) => `${at + 1}. item ${at}\n`)],
    ['bullets with bullets in them', lines(600, (at) => `- item ${at}\n  - one\n  - two`)],
    ['tasks', lines(600, (at) => `- [${at % 2 ? 'x' : ' '}] task ${at}`)],
    ['lines of code', ['```js\n', ...lines(600, (at) => `line ${at}`)]],
  ])('costs as much for its last part as for its first: %s', (_what, pieces) => {
    const reader = createBlockParser();
    let text = '';
    const costs = pieces.map((piece) => {
      text += piece;
      return readingOf(() => reader.read(text, 'growing'));
    });
    expect(Math.max(...costs.slice(-50))).toBeLessThanOrEqual(2 * Math.max(...costs.slice(0, 50)));
  });

  const seen = (text: string, reader = createBlockParser()) =>
    reader.read(text, 'growing').map((block) => {
      const { type, raw } = block;
      const { header, rows } = block as Tokens.Table;
      const { items, start, loose } = block as Tokens.List;
      const cells = [header, ...(rows ?? [])].flatMap((row) => row?.map((cell) => cell.text));
      return { type, raw, start, loose, cells, items: items?.map((item) => item.raw) };
    });

  it.each([
    ['a table, then a paragraph', `${table(30).join('')}\nAfter **it**.`],
    ['a table with text right behind it', `${table(14).join('')}Lazy | row\nMore`],
    ['two tables', `${table(14).join('')}\n${table(14).join('')}`],
    ['a table without outer bars', `a | b\n--|--\n${lines(14, (at) => `${at} | x`).join('')}\nEnd`],
    ['a list that becomes loose late', `${lines(20, (at) => `- ${at}`).join('')}\n- loose\n- end`],
    ['a list that is loose from the start', lines(20, (at) => `- ${at}\n\n  more`).join('')],
    ['numbers from seven on', lines(20, (at) => `${at + 7}. x`).join('')],
    ['another bullet', `${lines(14, () => '- x').join('')}${lines(14, () => '* y').join('')}`],
    ['numbers behind bullets', `${lines(14, () => '- x').join('')}${lines(14, () => '1. y').join('')}`],
    ['items that go on lazily', lines(20, (at) => `- item ${at}\ngoes on`).join('')],
    ['indented items', lines(20, (at) => `${' '.repeat(at % 3)}- ${at}`).join('')],
    ['code in items', lines(14, () => '- a\n\n  ```\n  - no item\n  ```').join('')],
    ['a rule behind them', `${lines(14, () => '- x').join('')}- - -\n\nEnd`],
    ['a heading behind them', `${lines(14, () => '1) x').join('')}# Title\n- y\n`],
    ['a quote before and behind', `> q\n\n${lines(14, () => '- x').join('')}> q\n\nEnd`],
    ['empty items', `${lines(14, () => '-').join('')}- x\n`],
    ['tabs', lines(14, (at) => `-\t${at}\n\t- in it`).join('')],
  ])('is at each step what it is when read at once: %s', (_what, text) => {
    const reader = createBlockParser();
    for (let end = 1; end <= text.length; end += 1) {
      const now = text.slice(0, end);
      expect(seen(now, reader)).toEqual(seen(now));
    }
  });

  it('keeps the parts that are finished as the same objects', () => {
    const reader = createBlockParser();
    const items = (count: number) => {
      const [list] = reader.read(lines(count, (at) => `- ${at}`).join(''), 'growing');
      return (list as Tokens.List).items;
    };
    const before = items(40);
    const after = items(80);
    expect(after).toHaveLength(80);
    for (let at = 0; at < 39; at += 1) expect(after[at]).toBe(before[at]);
  });
});

it.each([
  ['a quote of many levels that goes on lazily', '> > > > > > > > a\nb\n'.repeat(800)],
  ['stairs of quotes that go down', lines(200, (at) => `${'> '.repeat(200 - at)}x`).join('')],
  ['lists in quotes that go on lazily', '> - a\n> > - b\nc\n'.repeat(800)],
  ['lists in a quote that go on lazily', '> - a\nb\n'.repeat(1500)],
  ['stairs of bullets', lines(200, (at) => `${'  '.repeat(at)}- x`).join('')],
])('reads a character a few times at most: %s', (_what, text) => {
  let raw = '';
  const characters = readingOf(() => {
    raw = lex(text)
      .map((token) => token.raw)
      .join('');
  });
  expect(characters).toBeLessThan(30 * text.length);
  expect(raw.trim()).toBe(text.trim());
});

it('reads what stands before and behind such a block as it was meant', () => {
  const wild = '> > > > > > > > a\nb\n'.repeat(800);
  const types = lex(`# Title\n\n- one\n  - two\n\n${wild}\n**End**`).map(({ type }) => type);
  expect(types.filter((type) => type !== 'space')).toEqual(['heading', 'list', 'blockquote', 'paragraph']);
});
