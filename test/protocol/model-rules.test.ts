import { describe, expect, it } from 'vitest';
import { isBlank, refusesPrefill } from '../../src/protocol/model-rules.ts';

describe('a blank text', () => {
  it.each([
    '',
    ' ',
    '\n\n',
    '\t\r\n',
    '\u00a0',
    '\u0085',
    '\u1680',
    '\u2000\u200a',
    '\u2028\u2029',
    '\u3000',
  ])('is %j', (text) => {
    expect(isBlank(text)).toBe(true);
  });

  it.each(['a', ' a ', '.', '\u200b', '\ufeff', '\u2060', '\0', '🙂'])('is not %j', (text) => {
    expect(isBlank(text)).toBe(false);
  });
});

describe('the assistant’s words at the end', () => {
  it.each([
    'claude-opus-4-6',
    'claude-sonnet-4-6',
    'claude-opus-4-8',
    'claude-sonnet-5',
    'claude-sonnet-5-5',
    'claude-haiku-5-5',
    'claude-fable-5-2',
    'claude-sonnet-5-5-20260928',
    'us.anthropic.claude-opus-5-v1:0',
    'anthropic/claude-sonnet-4.6',
    'claude-opus-10',
  ])('are refused by %s', (model) => {
    expect(refusesPrefill(model)).toBe(true);
  });

  it.each([
    'claude-opus-4-5',
    'claude-opus-4-5-20251101',
    'claude-haiku-4-5-20251001',
    'claude-sonnet-4-20250514',
    'claude-3-5-sonnet-20240620',
    'claude-3-haiku-20240307',
    'claude-2.1',
    'anthropic/claude-sonnet-4.5',
    'sim:answer',
    'claude-mythos-preview',
    'a-model-of-somebody-else-9',
  ])('are taken, or left to the API to judge, by %s', (model) => {
    expect(refusesPrefill(model)).toBe(false);
  });
});
