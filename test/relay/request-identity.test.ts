import { expect, it } from 'vitest';
import { hashOfRequest } from '../../src/run/request.ts';

const request = { action: 'chat', messages: [{ role: 'user' as const, content: 'hi' }] };

it('the same parameters in any order are the same request, and none are none', () => {
  const hash = (parameters?: Record<string, string | number>) =>
    hashOfRequest(parameters === undefined ? request : { ...request, parameters });
  expect(hash({ grade: 4, language: 'af' })).toBe(hash({ language: 'af', grade: 4 }));
  expect(hash({})).toBe(hash());
  expect(hash({ grade: 4 })).not.toBe(hash());
  expect(hash({ grade: 4 })).not.toBe(hash({ grade: '4' }));
  expect(hash({ grade: 4 })).not.toBe(hash({ level: 4 }));
});
