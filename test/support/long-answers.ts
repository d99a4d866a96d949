/** Answers that are long in one way each, by name: what they are called, or with `share` as much of it. */

const lines = (count: number, line: (at: number) => string): string =>
  Array.from({ length: Math.round(count) }, (_, at) => line(at)).join('\n');

const WORDS = 'Light is scattered by the air, and the shorter its waves are, the more of it goes astray. ';
const ROW = (at: number): string => `| ${at} | **word ${at}** | what it means | \`use(${at})\` |`;
const CODE = (at: number): string => (at % 10 === 9 ? '' : `const value${at} = compute(${at});`);

export const LONG_ANSWERS = {
  'a table of 1,000 rows': (share) =>
    `| n | Word | Meaning | Example |\n|--:|---|---|---|\n${lines(1000 * share, ROW)}`,
  'a list of 1,500 items': (share) =>
    lines(1500 * share, (at) => `${at + 1}. item ${at} with **bold** and a few words more`),
  '5,000 lines of code': (share) => `\`\`\`js\n${lines(5000 * share, CODE)}\n\`\`\``,
  '5,000 lines of text': (share) => lines(5000 * share, (at) => `Line ${at} of *one* paragraph`),
  '5,000 paragraphs': (share) => lines(5000 * share, (at) => `Paragraph ${at} is short.\n`),
  'one line of 200 KB': (share) => WORDS.repeat(Math.ceil((200_000 * share) / WORDS.length)),
  'lists in lists': (share) =>
    lines(300 * share, (at) => `- item ${at}\n  - one\n    1. two\n       - three\n         - four **bold**`),
} as const satisfies Readonly<Record<string, (share: number) => string>>;

export type LongAnswer = keyof typeof LONG_ANSWERS;
