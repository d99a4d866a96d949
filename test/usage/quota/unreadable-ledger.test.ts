import { expect, it } from 'vitest';
import { LocalCounts } from '../../../src/quota/local-counts.ts';

it('where what was used cannot be read, a start is told to try again, and the operator why', () => {
  const cause = new Error('no descriptor is free');
  const counts = new LocalCounts(() => {
    throw cause;
  });
  const counter = { key: 'tokens:user:1', period: { name: '2026-11-29', resetsAt: 0 }, limit: 10 };
  expect(() => counts.standing(counter as Parameters<typeof counts.standing>[0])).toThrow(
    expect.objectContaining({ code: 'unavailable', retryable: true, cause }),
  );
});
