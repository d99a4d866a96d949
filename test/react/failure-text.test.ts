import { describe, expect, it, vi } from 'vitest';
import { failure } from '../../src/client/dash-error.ts';
import { ERROR_CODES } from '../../src/protocol/codes.ts';
import { describeFailure, noteOn } from '../../src/react/assistant/failure-text.ts';
import { spokenText } from '../../src/react/assistant/message-text.ts';
import { ENGLISH, withDefaults } from '../../src/react/assistant/strings.ts';
import { type AnswerState, NO_ANSWER } from '../../src/react/store/answer-state.ts';

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

  it('tells a page that is not admitted from an account that is not', () => {
    expect(describeFailure(failure('forbidden'), ENGLISH, false).text).toBe(ENGLISH.errors.forbidden);
    const { text, canRetry } = describeFailure({ ...failure('forbidden'), reason: 'origin' }, ENGLISH, false);
    expect([text, canRetry]).toEqual([ENGLISH.errors.foreignPage, false]);
  });

  it.each([
    ['http://localhost:5173', true],
    ['http://127.0.0.1:3000', true],
    ['http://[::1]:3000', true],
    ['http://app.localhost', true],
    ['https://app.example', false],
    ['https://localhost.example', false],
  ])('says to developers alone what to list: %s', (address, isTold) => {
    vi.stubGlobal('location', new URL(address));
    const { text } = describeFailure({ ...failure('forbidden'), reason: 'origin' }, ENGLISH, false);
    const told = ` Add ${address} to ALLOWED_ORIGINS of the relay, and start it again.`;
    expect(text).toBe(ENGLISH.errors.foreignPage + (isTold ? told : ''));
    vi.unstubAllGlobals();
  });

  it('takes an app’s own words, and English for the rest', () => {
    const strings = withDefaults({ send: 'Senden', errors: { busy: 'Gerade ist viel los.' } });
    expect(strings).toMatchObject({ send: 'Senden', stop: ENGLISH.stop });
    expect(describeFailure(failure('upstream_overloaded'), strings, false).text).toBe('Gerade ist viel los.');
    expect(describeFailure(failure('unauthorized'), strings, false).text).toBe(ENGLISH.errors.signIn);
  });
});

describe('an answer that has not failed', () => {
  const noteOf = (state: Partial<AnswerState>) =>
    noteOn({ ...NO_ANSWER, status: 'done', stopReason: 'end_turn', ...state }, ENGLISH);
  it.each(['', ' \n\t', '\u200b\u2060', '\u0000'])(
    'has a note where there is nothing to read: %j',
    (content) => {
      expect(noteOf({ content })).toBe(ENGLISH.nothingSaid);
      expect(noteOf({ content, stopReason: 'refusal' })).toBe(ENGLISH.declined);
      expect(noteOf({ content, stopReason: 'max_tokens' })).toBe(ENGLISH.cutShort);
      expect(noteOf({ content, status: 'cancelled' })).toBe(ENGLISH.stopped);
    },
  );
  it('has none where its words say all', () => {
    expect(noteOf({ content: 'Yes.' })).toBeUndefined();
  });
});

describe('what a screen reader is told', () => {
  it('is whole sentences, each once, and the rest at the end', () => {
    const text = 'One is here. Two is ';
    const first = spokenText(text, 0, false);
    expect(first).toEqual({ text: 'One is here.', end: 13 });
    expect(spokenText(text, 13, false)).toBeUndefined();
    expect(spokenText(`${text}too`, 13, true)).toEqual({ text: 'Two is too', end: 23 });
    expect(spokenText(`${text}too`, 23, true)).toBeUndefined();
  });

  it('is free of marks', () => {
    const text =
      '## Plan\n\n- **Bold** and `code`, [a link](https://a.org)\n\n| a | b |\n|---|---|\n| 1 | 2 |\n';
    expect(spokenText(text, 0, true)?.text).toBe('Plan, Bold and code, a link, a, b, 1, 2');
    expect(spokenText('- [x] light\n- [ ] air\n', 0, true)?.text).toBe('☑ light, ☐ air');
  });

  it('is the name of code and not its lines, wherever it is cut', () => {
    const text = 'So:\n\n```python\nx = 1\n\ny = 2\n```\n\nDone.\n\n~~~\nz\n';
    expect(spokenText(text, 0, true, 'Code')?.text).toBe('So: Code: python. Done. Code.');
    const within = text.indexOf('y = 2');
    expect(spokenText(text.slice(0, within), 0, false, 'Code')?.text).toBe('So: Code: python.');
    expect(spokenText(text, within, true, 'Code')?.text).toBe('Done. Code.');
    expect(spokenText(text, 0, true)?.text).toContain('y = 2');
  });
});
