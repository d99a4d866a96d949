import type { Token, Tokens } from 'marked';
import { describe, expect, it } from 'vitest';
import { createBlockParser, headingLevels } from '../../src/react/assistant/markdown/blocks.ts';

const TEXT = `# Title

A paragraph with **bold** and \`code\`,
on two lines.

- one
- two
  - three

1. first

2. second

| a | b |
|---|---|
| 1 | 2 |

\`\`\`js
const a = 1;

const b = 2;
\`\`\`

> A quote
> goes on

The end, with a [link][ref].

[ref]: https://example.org
`;

describe('blocks of a growing text', () => {
  it('are in the end those of the whole text, wherever it was cut', () => {
    const whole = createBlockParser().read(TEXT, 'whole');
    for (const size of [1, 3, 7, 50]) {
      const reader = createBlockParser();
      for (let end = 0; end < TEXT.length; end += size) reader.read(TEXT.slice(0, end), 'growing');
      expect(reader.read(TEXT, 'whole')).toEqual(whole);
    }
  });

  it('keep all text while they grow', () => {
    const reader = createBlockParser();
    for (let end = 1; end <= TEXT.indexOf('The end'); end += 1) {
      const raw = reader
        .read(TEXT.slice(0, end), 'growing')
        .map((block) => block.raw)
        .join('');
      const letters = (text: string): string => text.replaceAll(/[^a-z0-9]/gi, '');
      const arrived = letters(TEXT.slice(0, end));
      expect(arrived.startsWith(letters(raw))).toBe(true);
      expect(arrived.length - letters(raw).length).toBeLessThanOrEqual('ajs'.length); // a head, a fence: told later
    }
  });

  it('stay the same objects once another follows', () => {
    const reader = createBlockParser();
    const [first] = reader.read('One\n\nTwo', 'growing');
    const later = reader.read('One\n\nTwo grows', 'growing');
    expect(later[0]).toBe(first);
    expect(reader.read('One\n\nTwo grows', 'whole')[0]).toBe(first);
  });

  it('begin anew with another text', () => {
    const reader = createBlockParser();
    reader.read('One\n\nTwo\n\nThree', 'growing');
    expect(reader.read('Other', 'growing').map((block) => block.raw)).toEqual(['Other']);
  });

  it('treat all ends of lines alike', () => {
    const reader = createBlockParser();
    expect(reader.read('One\r\n\r\nTwo', 'growing')).toHaveLength(2);
  });
});

/** What a person reads of it, without the marks. */
function visible(blocks: readonly Token[]): string {
  return blocks.map(wordsOf).join('');
}

function wordsOf(token: Token): string {
  if (token.type === 'list') return visible((token as Tokens.List).items);
  if (token.type === 'table') {
    const { header, rows } = token as Tokens.Table;
    return [header, ...rows].flatMap((row) => row.map((cell) => visible(cell.tokens))).join('');
  }
  const { tokens, text } = token as { tokens?: Token[]; text?: string };
  return tokens ? visible(tokens) : (text ?? '');
}

const bare = (text: string): string => text.replaceAll(/\s/g, '');

describe('a growing text', () => {
  it.each([
    'Some **bold**, *soft*, ***both***, __strong__ and _em_ words.',
    '2 ** 10 is 1024, and 3 * 4 * 5 is 60; 2**10 too.',
    'See [the picture](https://example.org/a_b) and [0, 1] or x[i] = [[1, 2], [3]].',
    'Use `a * b`, ``a ` b`` and `**`; ~~not~~ this. snake_case and __init__ stay.',
    'Text\n- one\n- two **bold**\n\n1. first\n2. second',
    '- a\n  - b\n\n    ```js\n    const a = `x ** y`;\n    ```\n  - **c**',
    '```\n~~~ **x\n[0, 1\n```\n\nAfter **it**.',
    '~~~\n```\n**x\n~~~\n\nAfter.',
    '| a | **b** |\n|---|:-:|\n| 1 | `2` |\n| [x](y) | 3 |\n\nAfter.',
    '> Quoted **text**\n> goes *on*\n\n---\n\n# Title\n\nEnd',
    'Tom & Jerry, AT&T, ![alt text](https://a.org/b.png) and \\*stars\\*.',
    'An answer: **a `code` and *em* in it** ends.',
    'It takes ~5 minutes, or ~10 with **~3 people**.',
    'Then **[a link](https://a.org)**, *`code`*, **&amp; so on** and **![a picture](https://a.org/b.png)**.',
    'So $x^2 + y_1$ and $a*b*c$, at $5 or $6, **$z$**, \\(a_1 * b_2\\) *and* $5x = 3$.',
    'Then\n\\[\nx = \\frac{1}{2} \\\\\n= 3\n- 4\n\\]\nis *all*.\n\n$$\na_1 * b\n$$\n\n\\begin{align}\na &= b \\\\\nc &= d\n\\end{align}\n\nEnd',
    'Water is H~2~O, 10^6^ of it; ~5 or x^2 and **Fe^3+^**.',
    'True[^1], said **they**[^b].\n\n[^1]: A *note*.\n[^b]: More of $x$.',
    '- [ ] Buy\n- [x] **Pay**\n- [ ] `run`\n  - [ ] [see](https://a.org)\n\n1. [ ] *one*\n\n> - [x] & more',
  ])('never shows a mark that is not there in the end, and hides none that is: %j', (text) => {
    const whole = bare(visible(createBlockParser().read(text, 'whole')));
    const reader = createBlockParser();
    for (let end = 1; end <= text.length; end += 1) {
      const shown = bare(visible(reader.read(text.slice(0, end), 'growing')));
      expect([text.slice(0, end), whole.slice(0, shown.length)]).toEqual([text.slice(0, end), shown]);
    }
    expect(bare(visible(reader.read(text, 'whole')))).toBe(whole);
  });

  it('is not held back for long', () => {
    const text = 'Words, [a list that never ends: 1, 2, 3, **and so on** ';
    const reader = createBlockParser();
    const lag = Array.from({ length: 600 }, (_, at) => {
      const now = (text + 'and on '.repeat(100)).slice(0, at);
      return bare(now).length - bare(visible(reader.read(now, 'growing'))).length;
    });
    expect(Math.max(...lag)).toBeLessThan(210);
    expect(lag.at(-1)).toBeLessThan(10);
  });
});

it.each([
  ['a table', '| a | b |\n|---|---|\n', (at: number) => `| row ${at} | **b** |\n`],
  ['a list', '', (at: number) => `- item ${at} with **b**\n`],
  ['a numbered list', '', (at: number) => `${at + 1}. item\n\n`],
] as const)('draws of %s that grows only the last parts again', (_what, head, line) => {
  const reader = createBlockParser();
  const partsOf = (blocks: readonly Token[]): readonly unknown[] => {
    const { items, rows } = (blocks[0] ?? {}) as Partial<Tokens.List & Tokens.Table>;
    return items ?? rows ?? [];
  };
  let known: readonly unknown[] = [];
  let text: string = head;
  for (let at = 0; at < 100; at += 1) {
    text += line(at);
    const parts = partsOf(reader.read(text, 'growing'));
    expect(parts.filter((part) => !known.includes(part)).length).toBeLessThanOrEqual(2);
    known = parts;
  }
  expect(known).toHaveLength(100);
  const whole = partsOf(reader.read(text, 'whole'));
  expect(whole.filter((part) => !known.includes(part)).length).toBeLessThanOrEqual(1);
});

it.each([
  ['[0, 1', '[0, 1'],
  ['2 **', '2 **'],
  ['2 ** 10', '2 ** 10'],
  ['see [the picture](https://exam', 'see [the picture](https://exam'],
  ['half **bol', 'half bol'],
  ['a `cod', 'a cod'],
  ['Text\n1', 'Text\n1'],
  ['| a | b |', '| a | b |'],
  ['AT&', 'AT&'],
  ['~5', '~5'],
  ['- a\n- [ ] ', 'a[ ]'],
])('a text that was stopped at %j keeps what it said', (text, shown) => {
  const reader = createBlockParser();
  reader.read(text, 'growing');
  const blocks = reader.read(text, 'stopped');
  expect(visible(blocks)).toBe(shown);
});

it('ranks headings below the page’s own, skipping none', () => {
  const levels = (text: string) => headingLevels(createBlockParser().read(text, 'whole'));
  expect(levels('## A\n\ntext\n\n#### B\n\n### C')).toEqual([2, 0, 3, 3]);
  expect(levels('# A\n\n## B\n\n### C\n\n# D')).toEqual([2, 3, 4, 2]);
});
