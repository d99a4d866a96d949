import { describe, expect, it } from 'vitest';
import { createBlockReader } from '../../src/react/assistant/markdown/blocks.ts';
import { closeOpenMarks } from '../../src/react/assistant/markdown/half-open.ts';
import { headingLevels } from '../../src/react/assistant/markdown/heading-levels.ts';

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
    const whole = createBlockReader().read(TEXT, true);
    for (const size of [1, 3, 7, 50]) {
      const reader = createBlockReader();
      for (let end = 0; end < TEXT.length; end += size) reader.read(TEXT.slice(0, end), false);
      expect(reader.read(TEXT, true)).toEqual(whole);
    }
  });

  it('keep all text while they grow', () => {
    const reader = createBlockReader();
    for (let end = 1; end <= TEXT.indexOf('The end'); end += 1) {
      const raw = reader
        .read(TEXT.slice(0, end), false)
        .map((block) => block.raw)
        .join('');
      const letters = (text: string): string => text.replaceAll(/[^a-z0-9]/gi, '');
      expect(letters(raw)).toBe(letters(TEXT.slice(0, end)));
    }
  });

  it('stay the same objects once another follows', () => {
    const reader = createBlockReader();
    const [first] = reader.read('One\n\nTwo', false);
    const later = reader.read('One\n\nTwo grows', false);
    expect(later[0]).toBe(first);
    expect(reader.read('One\n\nTwo grows', true)[0]).toBe(first);
  });

  it('begin anew with another text', () => {
    const reader = createBlockReader();
    reader.read('One\n\nTwo\n\nThree', false);
    expect(reader.read('Other', false).map((block) => block.raw)).toEqual(['Other']);
  });

  it('treat all ends of lines alike', () => {
    const reader = createBlockReader();
    expect(reader.read('One\r\n\r\nTwo', false)).toHaveLength(2);
  });
});

it.each([
  ['half **bol', 'half **bol**'],
  ['half **bol*', 'half **bol**'],
  ['opens **', 'opens '],
  ['done **bold** text', 'done **bold** text'],
  ['a `cod', 'a `cod`'],
  ['a `', 'a '],
  ['see [the pict', 'see the pict'],
  ['see [the picture](https://exam', 'see the picture'],
  ['see [it](https://a.org) now', 'see [it](https://a.org) now'],
  ['**a** and **b', '**a** and **b**'],
  ['first **open\nsecond', 'first **open\nsecond'],
  ['```js\nconst a = `x', '```js\nconst a = `x'],
])('closes what %j has left open', (text, closed) => {
  expect(closeOpenMarks(text)).toBe(closed);
});

it('ranks headings below the page’s own, skipping none', () => {
  const levels = (text: string) => headingLevels(createBlockReader().read(text, true));
  expect(levels('## A\n\ntext\n\n#### B\n\n### C')).toEqual([2, 0, 3, 3]);
  expect(levels('# A\n\n## B\n\n### C\n\n# D')).toEqual([2, 3, 4, 2]);
});
