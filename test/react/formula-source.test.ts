import type { Token, Tokens } from 'marked';
import { describe, expect, it } from 'vitest';
import { createBlockParser } from '../../src/react/assistant/markdown/blocks.ts';
import type { AnswerToken } from '../../src/react/assistant/markdown/extensions.ts';

/** TeX of all formulas, those on lines of their own in brackets. */
function formulasOf(tokens: readonly Token[]): string[] {
  return (tokens as AnswerToken[]).flatMap((token) => {
    if (token.type === 'math') return [token.isDisplay ? `[${token.text.trim()}]` : token.text];
    if (token.type === 'list') return token.items.flatMap((item) => formulasOf(item.tokens));
    if (token.type === 'table')
      return [token.header, ...token.rows].flatMap((row) =>
        row.flatMap(({ tokens: cell }) => formulasOf(cell)),
      );
    return formulasOf((token as Tokens.Generic).tokens ?? []);
  });
}

const read = (text: string): string[] => formulasOf(createBlockParser().read(text, 'whole'));

describe('a formula', () => {
  it.each([
    ['The area is $A = \\pi r^2$.', ['A = \\pi r^2']],
    ['\\(a_1 * b_2\\) and *$c*d$* and $e_1$, $f_2$', ['a_1 * b_2', 'c*d', 'e_1', 'f_2']],
    ['Here:\n\\[\nx = \\frac{1}{2} \\\\\n= 3\n- 4\n\\]\nThen.', ['[x = \\frac{1}{2} \\\\\n= 3\n- 4]']],
    ['$$\na\n=\nb\n$$', ['[a\n=\nb]']],
    ['Within $$x+1$$ words.', ['[x+1]']],
    [
      '\\begin{align}\na &= b \\\\\n- c &= d\n\\end{align}',
      ['[\\begin{align}\na &= b \\\\\n- c &= d\n\\end{align}]'],
    ],
    ['- one\n\n  $$\n  x\n  $$\n- $y$', ['[x]', 'y']],
    ['> \\[ q \\]', ['[q]']],
    ['| a |\n|---|\n| $x_1 * y_1$ |', ['x_1 * y_1']],
    ['## On $E = mc^2$', ['E = mc^2']],
    ['the $n$th, $x$-axis, $5x + 3 = 8$, $\\$5 + x$', ['n', 'x', '5x + 3 = 8', '\\$5 + x']],
    ['设$x$为', ['x']],
    ['**$\\ce{H2O}$** or \\ce{Fe^{3+}}', ['\\ce{H2O}', '\\ce{Fe^{3+}}']],
  ])('is found in %j', (text, formulas) => {
    expect(read(text)).toEqual(formulas);
  });

  it.each([
    'It costs $5 and $6.',
    'From $1,000–$2,000, or US$20 and AU$30.',
    'A $5 bill or a 5$ bill, $5/kg or 6$/kg.',
    'Set $HOME/$USER, or $PATH and $SHELL.',
    'He paid $3.50; she paid $4.',
    '`$x$` and $`y`$',
    '```\n$$x$$\n\\[y\\]\n```',
    'Escaped \\$x\\$ and $ x $ and $$',
    '$$\nno end\n\nA paragraph.',
    '\\begin{document} x \\end{document}',
  ])('is not seen in %j', (text) => {
    expect(read(text)).toEqual([]);
  });

  it('stays the same for a text of many signs that are none, in time', () => {
    for (const sign of ['$a ', '\\(', '\\[\n', '$$\n', '\\begin{align}\n', '~a', '[^1]: a\n', '^b'])
      expect(read(sign.repeat(40_000 / sign.length))).toBeDefined();
  });
});

it('reads raised and lowered signs, and footnotes', () => {
  const types = (text: string): string[] => {
    const [first, ...more] = createBlockParser().read(text, 'whole') as (AnswerToken & { tokens: Token[] })[];
    return [...(first?.tokens ?? []), ...more].map(({ type }) => type);
  };
  expect(types('H~2~O and 10^6^')).toEqual(['text', 'script', 'text', 'script']);
  expect(types('About ~5, ~~gone~~, x^2 and a~b')).toEqual(['text', 'del', 'text']);
  expect(types('True[^1].\n\n[^1]: A *note*\n[^b]: More')).toEqual([
    'text',
    'footnoteReference',
    'text',
    'footnote',
    'footnote',
  ]);
});
