/** A long text that is read slice by slice, or as it grows, is in the end what it is when read at once. */
import fc from 'fast-check';
import type { Token, Tokens } from 'marked';
import { describe, expect, it } from 'vitest';
import { createBlockParser } from '../../src/react/assistant/markdown/blocks.ts';
import { lex } from '../../src/react/assistant/markdown/lexer.ts';

/** What is drawn of tokens: their kinds, their words, where links lead. */
function drawn(tokens: readonly Token[]): unknown[] {
  return tokens
    .filter(({ type }) => type !== 'space' && type !== 'def' && type !== 'checkbox')
    .map((token) => {
      const {
        type,
        tokens: inner,
        items,
        header,
        rows,
        depth,
        lang,
        href,
        checked,
        start,
        ordered,
      } = token as Tokens.Generic;
      if (items) return [type, ordered, start, items.map((item: Token) => drawn([item]))];
      if (rows)
        return [
          type,
          [header, ...rows].map((row: Tokens.TableCell[]) => row.map((cell) => drawn(cell.tokens))),
        ];
      const kind = type === 'text' && inner ? 'paragraph' : type;
      return [
        kind,
        depth,
        lang,
        href,
        checked,
        inner ? words(drawn(inner)) : ((token as Tokens.Text).text ?? '').trimEnd(),
      ];
    });
}

/** Text beside text is one text: where pieces were put together they stand apart. */
function words(tokens: unknown[]): unknown[] {
  const said: unknown[] = [];
  for (const token of tokens as [string, ...unknown[]][]) {
    const before = said.at(-1) as [string, ...unknown[]] | undefined;
    if (token[0] === 'text' && before?.[0] === 'text')
      said[said.length - 1] = [...token.slice(0, -1), `${before.at(-1)}${token.at(-1)}`];
    else said.push(token);
  }
  return said;
}

function sliced(text: string, size: number): unknown[] {
  const parser = createBlockParser();
  for (let end = size; end < text.length; end += size) parser.prepare(text.slice(0, end));
  return drawn(parser.read(text, 'whole'));
}

function grown(text: string, size: number): unknown[] {
  const parser = createBlockParser();
  for (let end = size; end < text.length; end += size) parser.read(text.slice(0, end), 'growing');
  return drawn(parser.read(text, 'whole'));
}

const repeat = (count: number, line: (at: number) => string): string =>
  Array.from({ length: count }, (_, at) => line(at)).join('');

/** Beyond what is read again as a whole at its end. */
const LONG = 17_000;

const block = fc.constantFrom(
  'A paragraph with **bold**, `code`\nand a second *line*.\n\n',
  '# A heading\n',
  'A title\n===\n\n',
  '---\n\n',
  '> quoted\n> text\nlazily\n\n',
  '- one\n- two\n  - three\n\n  more\n\n',
  '1. first\n\n2. second\n',
  '- [ ] open\n- [x] done\n\n',
  '| a | b |\n|---|--:|\n| 1 | `2` |\n',
  '```js\nlet a;\n\nlet b;\n```\n',
  '~~~\n```\n~~~\n\n',
  '    indented\n\n    code\n\n',
  '<div>\nhtml\n</div>\n\n',
  'See [here][ref] and [there](https://a.org).\n\n',
  '[ref]: https://b.org\n\n',
  '* * *\ntext\n',
  '```\nnever `closed',
  'Text right\n- behind\n',
);

describe('a long text read slice by slice', () => {
  it('is what it is when read at once, whatever it holds and wherever it is cut', () => {
    fc.assert(
      fc.property(
        fc.array(block, { minLength: 1, maxLength: 40 }),
        fc.integer({ min: 1500, max: 9000 }),
        (blocks, size) => {
          const once = blocks.join('');
          const text = once.repeat(Math.ceil(LONG / once.length));
          const whole = drawn(lex(text));
          expect(sliced(text, size)).toEqual(whole);
          expect(grown(text, size)).toEqual(whole);
        },
      ),
      { numRuns: 10 },
    );
  });

  it.each([
    ['a table', `| a | b |\n|---|---|\n${repeat(1200, (at) => `| ${at} | **b** |\n`)}`],
    ['a list', repeat(1500, (at) => `- item ${at}\n`)],
    ['a list that becomes loose at its end', `${repeat(1500, (at) => `- item ${at}\n`)}\n- last\n`],
    ['code', `\`\`\`js\n${repeat(1500, (at) => (at % 7 === 0 ? '\n' : `  line(${at});\n`))}\`\`\`\nAfter.`],
    [
      'code in an indented fence',
      `  \`\`\`\n${repeat(3000, (at) => `${' '.repeat(at % 5)}${at}\n`)}  \`\`\`\n`,
    ],
    ['code without an end', `~~~\n${repeat(2500, (at) => `line ${at}\n`)}\n\n`],
    ['one paragraph of many lines', repeat(1500, (at) => `1. line *${at}*\n- and **more**`)],
    ['one long line', 'Some *soft* and **strong** words, - 1. # `code`. '.repeat(500)],
    ['a long word', 'x'.repeat(30_000)],
    ['many short paragraphs', repeat(1500, (at) => `Text [${at}][a].\n\n`)],
    [
      'links that are defined at the end',
      `${repeat(600, (at) => `Text with [a link][to-${at % 3}] in it.\n\n`)}[to-0]: https://a.org\n[to-1]: https://b.org`,
    ],
  ])('and so is %s', (_what, text) => {
    expect(text.length).toBeGreaterThan(16_384);
    const whole = drawn(lex(text));
    expect(sliced(text, 4096)).toEqual(whole);
    expect(grown(text, 2500)).toEqual(whole);
  });
});
