import { describe, expect, it } from 'vitest';
import { failure } from '../../src/client/dash-error.ts';
import { ERROR_CODES } from '../../src/protocol/codes.ts';
import { describeFailure } from '../../src/react/assistant/plain-words.ts';
import { ENGLISH, withDefaults } from '../../src/react/assistant/strings.ts';
import { utterance } from '../../src/react/assistant/utterance.ts';

describe('a failure in plain words', () => {
  it.each(Object.keys(ERROR_CODES) as (keyof typeof ERROR_CODES)[])('has some for %s', (code) => {
    const { text } = describeFailure(failure(code), ENGLISH, false);
    expect(text).toMatch(/^[A-Z].+\.$/);
    expect(text).not.toMatch(/_|error|stream|token|server|upstream|resume/i);
  });

  it('never shows what the relay wrote for developers', () => {
    const secret = { code: 'internal', message: 'ECONNREFUSED 10.0.0.1', retryable: true } as const;
    expect(describeFailure(secret, ENGLISH, true).text).toBe(
      'The answer broke off. What had arrived is kept.',
    );
  });

  it('says when a quota begins anew, and offers no second try', () => {
    const resetsAt = Date.UTC(2026, 11, 1, 12);
    const { text, canRetry } = describeFailure({ ...failure('quota_exceeded'), resetsAt }, ENGLISH, false);
    expect(text).toMatch(
      /^You have asked all the questions of your plan for now\. New ones are there from .*1.*\.$/,
    );
    expect(canRetry).toBe(false);
  });

  it('takes an app’s own words, and English for the rest', () => {
    const strings = withDefaults({ send: 'Senden', errors: { busy: 'Gerade ist viel los.' } });
    expect(strings).toMatchObject({ send: 'Senden', stop: ENGLISH.stop });
    expect(describeFailure(failure('upstream_overloaded'), strings, false).text).toBe('Gerade ist viel los.');
    expect(describeFailure(failure('unauthorized'), strings, false).text).toBe(ENGLISH.errors.signIn);
  });
});

describe('what a screen reader is told', () => {
  it('is whole sentences, each once, and the rest at the end', () => {
    const text = 'One is here. Two is ';
    const first = utterance(text, 0, false);
    expect(first).toEqual({ text: 'One is here.', end: 13 });
    expect(utterance(text, 13, false)).toBeUndefined();
    expect(utterance(`${text}too`, 13, true)).toEqual({ text: 'Two is too', end: 23 });
    expect(utterance(`${text}too`, 23, true)).toBeUndefined();
  });

  it('is free of marks', () => {
    const text =
      '## Plan\n\n- **Bold** and `code`, [a link](https://a.org)\n\n| a | b |\n|---|---|\n| 1 | 2 |\n';
    expect(utterance(text, 0, true)?.text).toBe('Plan Bold and code, a link, a, b, 1, 2');
  });
});
