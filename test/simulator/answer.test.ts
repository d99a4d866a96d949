import { describe, expect, it } from 'vitest';
import { composeAnswer, composeLongAnswer } from '../../src/simulator/answers/answer.ts';
import { Random } from '../../src/simulator/random.ts';
import { toDeltas, tokenize } from '../../src/simulator/tokens.ts';

function answer(question: string, seed = 'a'): string {
  return composeAnswer(question, new Random(seed));
}

const QUESTIONS = [
  'hi',
  'thanks!',
  'what is 7 × 8?',
  'Explain photosynthesis to a 10-year-old',
  'Why is the sky blue?',
  'Who discovered penicillin?',
  'Write a lesson plan about fractions for grade 4, 45 minutes',
  'Grade this: My summer was great. i went to the beach because it was hot',
  'grade this essay',
  'quiz me on the solar system',
  'write a story about a lost umbrella',
  'how do I write a for loop in python',
  'Show me what you can do',
];

describe('a composed answer', () => {
  it.each([
    ['what is 7 × 8?', '56'],
    ['What is 7 times 8', '56'],
    ['calculate 12 + 30 / 5 please', '18'],
    ['(3 + 4) * 2 - 1 =', '13'],
    ['15% of 80', '12'],
    ['0.1 + 0.2', '0.3'],
    ['2^10?', '1024'],
    ['1,000 - 1', '999'],
    ['3 − 10', '−7'],
    ['10 / 4', '2.5'],
  ])('works out %s', (sum, result) => {
    expect(/\*\*(?:[^*]*= )?([^*=]+)\*\*/u.exec(answer(sum))?.[1]).toBe(result);
  });

  it('says that division by zero has no answer', () => {
    expect(answer('6 / 0')).toContain('not defined');
    expect(answer('6 / 0 + 1')).toContain('not defined');
  });

  it.each(['What happened in 1914-1918?', '(1 + 2', '1 2', '5', '+ + 1', '3 + )'])(
    'takes %s for no sum',
    (text) => {
      expect(answer(text)).not.toContain('✅');
    },
  );

  it.each(QUESTIONS)('to "%s" has the length of a short answer', (text) => {
    const { length } = tokenize(answer(text));
    expect(length).toBeGreaterThanOrEqual(40);
    expect(length).toBeLessThanOrEqual(350);
  });

  it('shows what an answer can be made of, where it is asked to', () => {
    const text = answer('Show me what you can do, with a formula, a list and some code.');
    expect(text).toMatch(/^\$\$.+\$\$$/mu);
    expect(text).toMatch(/^3\. /mu);
    expect(text).toMatch(/^```python\n[\s\S]+^```$/mu);
  });

  it('is about what was asked', () => {
    expect(answer('Can you explain how plants make food?')).toContain('chlorophyll');
    expect(answer('Lesson plan about volcanoes for grade 5, 30 minutes')).toMatch(
      /volcanoes[\s\S]*Grade 5[\s\S]*30 minutes/u,
    );
    expect(answer('write a story about a lost umbrella')).toContain('lost umbrella');
    expect(answer('Who discovered penicillin?')).toContain('Who discovered penicillin?');
    expect(answer('Grade this: One two three four five.')).toContain('5 words in 1 sentence');
  });

  it('repeats no Markdown or control characters of the question', () => {
    expect(answer('Who is <img src=x> `*_[evil](http://x)\u0000?').replaceAll('\n', '')).not.toMatch(
      /[<>`[\]\p{Cc}]/u,
    );
  });

  it('is the same for the same seed and another for another', () => {
    const answers = Array.from({ length: 20 }, (_, seed) => answer('Explain gravity', String(seed)));
    expect(answers).toEqual(Array.from({ length: 20 }, (_, seed) => answer('Explain gravity', String(seed))));
    expect(new Set(answers).size).toBeGreaterThan(5);
  });

  it('is cut into tokens and deltas that lose nothing and split no character', () => {
    const text = QUESTIONS.map((q) => answer(q)).join('\n') + composeLongAnswer('hi', new Random('b'));
    const tokens = tokenize(text);
    const deltas = toDeltas(tokens, new Random('c'));
    expect(deltas.map((delta) => delta.text).join('')).toBe(text);
    expect(deltas.every((delta) => delta.text.isWellFormed())).toBe(true);
    expect(deltas.reduce((sum, delta) => sum + delta.tokens, 0)).toBe(tokens.length);
    expect(text).toMatch(/\p{Extended_Pictographic}/u);
    const bytesPerToken = Buffer.byteLength(text) / tokens.length;
    expect(bytesPerToken).toBeGreaterThan(3);
    expect(bytesPerToken).toBeLessThan(5);
  });
});
