import { describe, expect, it } from 'vitest';
import { describeCause } from '../../src/observability/describe-cause.ts';
import { RelayError } from '../../src/protocol/relay-error.ts';

const CANARY = 'what the child asked';

describe('describeCause', () => {
  it('keeps the kind of an error and its ids', () => {
    const error = Object.assign(new Error(CANARY), {
      name: 'APIError',
      status: 529,
      type: 'overloaded_error',
      requestID: 'req_011',
      headers: { authorization: CANARY },
      error: { message: CANARY },
    });
    expect(describeCause(error)).toEqual({
      name: 'APIError',
      status: 529,
      type: 'overloaded_error',
      upstreamRequestId: 'req_011',
      frames: expect.any(Array),
    });
    expect(JSON.stringify(describeCause(error))).not.toContain(CANARY);
  });

  it('says no more than the code of an error that has one', () => {
    const reset = Object.assign(new Error(CANARY), { code: 'ECONNRESET', syscall: 'read', errno: -104 });
    expect(describeCause(reset)).toEqual({ name: 'Error', code: 'ECONNRESET', syscall: 'read' });
  });

  it('follows causes, three deep', () => {
    let error = new Error('0');
    for (let depth = 1; depth <= 5; depth += 1) error = new Error(String(depth), { cause: error });
    expect(JSON.stringify(describeCause(error)).match(/"name"/g)).toHaveLength(4);
    const relayError = new RelayError('internal', 'the relay failed', { cause: 'key_set' });
    expect(describeCause(relayError)).toMatchObject({ code: 'internal', cause: 'key_set' });
  });

  it('ends with an error that is its own cause', () => {
    const error = new Error('loop');
    error.cause = error;
    expect(describeCause(error)).toMatchObject({ name: 'Error' });
  });

  it('takes only frames from a stack, not lines of the message that look like them', () => {
    const forged = `${CANARY}\n    at ${CANARY} (file.ts:1:1)\n    at more (file.ts:2:2)`;
    const text = JSON.stringify(describeCause(new Error(forged)));
    expect(text).toContain('describe-cause.test');
    expect(text).not.toContain(CANARY);
  });

  it.each([
    ['other text', CANARY, 'string'],
    ['an identifier', 'unknown_key', 'unknown_key'],
    ['an object', { message: CANARY }, 'object'],
    ['nothing', undefined, undefined],
    ['null', null, undefined],
  ])('reduces %s', (_what, cause, expected) => {
    expect(describeCause(cause)).toBe(expected);
  });

  it.each(['name', 'code', 'type', 'requestId', 'upstreamRequestId', 'syscall'])(
    'drops a %s that is no identifier',
    (field) => {
      const error = Object.assign(new Error('x'), { [field]: CANARY });
      expect(JSON.stringify(describeCause(error))).not.toContain(CANARY);
    },
  );

  it('drops a message that was put into the stack alone', () => {
    const error = new Error('short');
    error.stack = `Error: ${CANARY}\n    at ${CANARY}\n    at run (file.ts:1:1)`;
    expect(describeCause(error)).toMatchObject({ frames: ['at run (file.ts:1:1)'] });
  });
});
