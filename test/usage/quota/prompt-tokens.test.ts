import { expect, it } from 'vitest';
import { promptTokensAtMost } from '../../../src/quota/charges.ts';
import { periodAt } from '../../../src/quota/period.ts';

it('a prompt is at most a token a byte, with room for each message and image', () => {
  const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } } as const;
  const tokens = promptTokensAtMost({
    system: 'Be kind.',
    messages: [
      { role: 'user', content: 'père 🎉' },
      { role: 'assistant', content: [{ type: 'text', text: 'ok' }, image] },
    ],
  });
  expect(tokens).toBe(64 + 8 + (16 + 10) + (16 + 2 + 5000));
});

it.each([
  ['day', Date.UTC(2026, 11, 31, 23, 59, 59, 999), '2026-12-31', Date.UTC(2027, 0, 1)],
  ['month', Date.UTC(2026, 11, 31, 23, 59, 59, 999), '2026-12', Date.UTC(2027, 0, 1)],
  ['month', Date.UTC(2028, 1, 29), '2028-02', Date.UTC(2028, 2, 1)],
  ['day', Date.UTC(2026, 0, 1), '2026-01-01', Date.UTC(2026, 0, 2)],
] as const)('the %s of an instant, in UTC', (kind, at, name, resetsAt) => {
  expect(periodAt(kind, at)).toEqual({ kind, name, resetsAt });
});
