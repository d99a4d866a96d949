/** Answers that are hard to draw while they grow, by name: what the model says, and what a person reads of it in the end. */

export interface HardAnswer {
  readonly text: string;
  /** Words that are on the screen in the end. */
  readonly shows: readonly string[];
  /** How many formulas are typeset in it. */
  readonly formulas?: number;
}

/** What was seen of an answer while it grew. */
export interface Growth {
  /** What was read after each delta. */
  readonly seen: readonly string[];
  /** By how much what had been drawn moved, as browsers count it. */
  readonly shift: number;
  /** How many native elements were rendered for each delta, and at the end. */
  readonly rendered: readonly number[];
}

const CODE = Array.from(
  { length: 24 },
  (_, at) => `def f${at}(x):  # **not bold** $x$\n    return "a_b" * ${at}`,
).join('\n');
const MATRIX = Array.from({ length: 5 }, (_, row) => `${row} & a_{${row}} & \\frac{1}{${row + 1}}`).join(
  ' \\\\\n',
);

export const HARD_ANSWERS: Readonly<Record<string, HardAnswer>> = {
  'money beside formulas': {
    text: 'Tickets cost $5 and $6, so two cost $x = 5 + 6$ dollars, or $11. A $20 note is enough; US$30 is too much.',
    shows: ['cost $5 and $6', 'or $11. A $20 note', 'US$30'],
    formulas: 1,
  },
  'a quadratic on lines of its own': {
    text: 'Solve it by the formula:\n\n\\[\nx = \\frac{-b \\pm \\sqrt{b^2 - 4ac}}{2a}\n\\]\n\nwhere $a \\ne 0$ and **b** is what stands before $x$.',
    shows: ['where', 'is what stands before'],
    formulas: 3,
  },
  'dollars around lines': {
    text: 'The sum is\n$$\n\\sum_{i=1}^{n} i = \\frac{n(n+1)}{2}\n$$\nfor every $n$. With $n = 100$ it is 5050.',
    shows: ['The sum is', 'it is 5050.'],
    formulas: 3,
  },
  'aligned steps': {
    text: 'Step by step:\n\n\\begin{align}\n2x + 3 &= 11 \\\\\n2x &= 8 \\\\\nx &= 4\n\\end{align}\n\nCheck: $2 \\cdot 4 + 3 = 11$.',
    shows: ['Check:'],
    formulas: 2,
  },
  'a matrix': {
    text: `Here is\n\n$$A = \\begin{pmatrix}\n${MATRIX}\n\\end{pmatrix}$$\n\nof five rows.`,
    shows: ['of five rows.'],
    formulas: 1,
  },
  'cases and text in formulas': {
    text: 'Let \\(f(x) = \\begin{cases} x & \\text{if } x \\ge 0 \\\\ -x & \\text{otherwise} \\end{cases}\\) be the *absolute* value.',
    shows: ['be the absolute value.'],
    formulas: 1,
  },
  'stars and lines in formulas': {
    text: 'Both $a*b*c$ and $x_1 + x_2$ and \\(y_1 * y_2\\) are *products or sums*, as is $f_{n_k}$ in __this__ line.',
    shows: ['are products or sums, as is', 'in this line.'],
    formulas: 4,
  },
  chemistry: {
    text: 'Water, H~2~O, comes of \\ce{2H2 + O2 -> 2H2O}, or of $\\ce{2H2 + O2 <=> 2H2O}$. Sulfate is $\\ce{SO4^2-}$, calcium Ca^2+^.',
    shows: ['Water, H₂O,', 'calcium Ca²⁺.'],
    formulas: 3,
  },
  physics: {
    text: 'Newton: $\\vec{F} = m\\vec{a}$. Einstein: $E = mc^2$. Light: $c \\approx 3 \\times 10^8\\,\\text{m/s}$, that is 3 · 10^8^ m/s.',
    shows: ['Newton:', '3 · 10⁸ m/s.'],
    formulas: 3,
  },
  'letters of all kinds': {
    text: 'Sets: $\\mathbb{N} \\subset \\mathbb{Z} \\subset \\mathbb{R}$, $\\mathcal{P}(M)$, $\\mathbf{v} \\perp \\mathbf{w}$, $\\alpha, \\beta, \\Omega$.',
    shows: ['Sets:'],
    formulas: 4,
  },
  'a formula that KaTeX does not know': {
    text: 'This is odd: $\\unknowncommand{x} + 1$, and this is not: $x + 1$.',
    shows: ['This is odd: \\unknowncommand{x} + 1, and this is not:'],
    formulas: 1,
  },
  'a hostile formula': {
    text: `Bad: $\\def\\a{\\a\\a}\\a$, worse: $${'{'.repeat(60)}x${'}'.repeat(60)}$, large: $\\rule{1000em}{1000em}$, fine: $x$.`,
    shows: ['Bad:', 'fine:'],
    formulas: 2,
  },
  'formulas in a list': {
    text: '1. Take $a = 1$.\n2. Then\n   \\[\n   b = a + 1\n   \\]\n   so $b = 2$.\n3. And **so on** up to $n$.\n\n- [x] done\n- [ ] not *yet*',
    shows: ['Take', 'And so on up to', 'not yet'],
    formulas: 4,
  },
  'formulas in a table': {
    text: '| Shape | Area | `code` |\n|---|:-:|--:|\n| Circle | $\\pi r^2$ | `pi*r**2` |\n| Square | $a^2$ | `a**2` |\n\nAfter the **table**.',
    shows: ['Circle', 'pi*r**2', 'After the table.'],
    formulas: 2,
  },
  'formulas in a heading and a quote': {
    text: '## On $E = mc^2$\n\n> Quoted: $\\frac{1}{2}$\n>\n> $$x$$\n\nThe end.',
    shows: ['On', 'Quoted:', 'The end.'],
    formulas: 3,
  },
  'footnotes and links': {
    text: 'It is true[^1], see [the **source**](https://example.org/a_b) and ![a *map*](https://example.org/m.png).\n\n[^1]: Said *once* with $x^2$.',
    shows: ['It is true¹, see the source and Image: a *map*', 'Said once with'],
    formulas: 1,
  },
  'bold around everything': {
    text: '**Bold $x^2$ and `code` and *soft* words** then ***all*** and ~~gone~~ and **[a link](https://example.org)**.',
    shows: ['code and soft words then all and gone and a link.'],
    formulas: 1,
  },
  'powers without dollars': {
    text: '2**10 is 1024, 3 * 4 * 5 is 60, x^2 is a square, snake_case_name stays, and ~5 is about five.',
    shows: ['2**10 is 1024, 3 * 4 * 5 is 60, x^2 is a square, snake_case_name stays, and ~5 is about five.'],
  },
  'code with marks in it': {
    text: `Use this:\n\n\`\`\`python\n${CODE}\n\`\`\`\n\nand \`\`a \` b\`\` or \`$x$\`.`,
    shows: ['# **not bold** $x$', 'return "a_b" * 23', 'a ` b or $x$.'],
  },
  'code in a language that nobody knows': {
    text: 'Like so:\n\n```whatever\ndef f(x):\n    return "x"  # **x**\n```\n\nand:\n\n```\nreturn 1\n```',
    shows: ['def f(x): return "x" # **x**', 'return 1'],
  },
  'a shell session': {
    text: 'Run `echo $HOME`:\n\n```sh\nexport PATH=$HOME/bin:$PATH\necho "$PATH" | tr : "\\n"\n```\n\nSet $HOME/$USER yourself.',
    shows: ['echo $HOME', 'export PATH=$HOME/bin:$PATH', 'Set $HOME/$USER yourself.'],
  },
  'lists in lists': {
    text: '- one\n  - two **b**\n    1. three `c`\n       - four $d$\n- five\n\n1) six\n2) seven',
    shows: ['two b', 'three c', 'seven'],
    formulas: 1,
  },
  'a wide table': {
    text: `| ${Array.from({ length: 9 }, (_, at) => `Column ${at}`).join(' | ')} |\n|${'---|'.repeat(9)}\n| ${Array.from({ length: 9 }, (_, at) => `**cell** ${at}`).join(' | ')} |\n`,
    shows: ['Column 8', 'cell 8'],
  },
  'brackets that are no links': {
    text: 'The interval [0, 1], x[i] = [[1, 2], [3]], f(x) = [x] and [a label] of nothing (really).',
    shows: ['The interval [0, 1], x[i] = [[1, 2], [3]], f(x) = [x] and [a label] of nothing (really).'],
  },
  'from right to left': {
    text: 'المعادلة هي $x^2 = 4$:\n\n1. الخطوة **الأولى**\n2. الخطوة الثانية\n\n> اقتباس',
    shows: ['الأولى', 'الثانية', 'اقتباس'],
    formulas: 1,
  },
  'Chinese around formulas': {
    text: '设$x$为未知数,则 \\(2x = 8\\),所以**答案**是$x = 4$。',
    shows: ['为未知数', '所以答案是'],
    formulas: 3,
  },
  'tags of HTML': {
    text: 'Write <b>bold</b> as `<b>`, &lt;i&gt; too, AT&T &amp; co, 1 < 2 > 0 and <script>alert(1)</script>.',
    shows: ['Write <b>bold</b> as <b>, <i> too, AT&T & co, 1 < 2 > 0 and <script>alert(1)</script>.'],
  },
  'escapes and backslashes': {
    text: 'Stars \\*stay\\*, C:\\new\\table stays, \\$5 is money, \\(x\\) is not, a \\\\ b.',
    shows: ['Stars *stay*, C:\\new\\table stays, $5 is money,', 'is not, a \\ b.'],
    formulas: 1,
  },
  'rules and headings': {
    text: '# One\n\nText\n\n---\n\n### Three *soft*\n\nText\n***\nMore\n\n#hashtag and # sign',
    shows: ['One', 'Three soft', '#hashtag and # sign'],
  },
  'a display formula within a sentence': {
    text: 'We know that $$a^2 + b^2 = c^2$$ holds, so \\[ c = \\sqrt{a^2 + b^2} \\] follows from $$e^{i\\pi} = -1$$.',
    shows: ['We know that', 'holds, so', 'follows from'],
    formulas: 3,
  },
  'an answer of many formulas': {
    text: Array.from(
      { length: 12 },
      (_, at) => `Then $x_{${at}} = \\frac{${at}}{${at + 1}}$ and $y_{${at}} \\to \\infty$.`,
    ).join('\n\n'),
    shows: ['Then'],
    formulas: 24,
  },
};

/** Of Markdown and TeX. */
const MARKS = /\$|\\[A-Za-z()[\]]|\*\*|__|~~|\^|`|~(?=\S)|\|/g;

function marksIn(text: string): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const [mark] of text.matchAll(MARKS)) counts.set(mark, (counts.get(mark) ?? 0) + 1);
  return counts;
}

/** The most deltas in a row after which a mark was seen that is not there in the end. */
export function longestFlicker(seen: readonly string[], end: string): number {
  const whole = marksIn(end);
  let longest = 0;
  let run = 0;
  for (const text of seen) {
    const isRaw = [...marksIn(text)].some(([mark, count]) => count > (whole.get(mark) ?? 0));
    run = isRaw ? run + 1 : 0;
    longest = Math.max(longest, run);
  }
  return longest;
}
