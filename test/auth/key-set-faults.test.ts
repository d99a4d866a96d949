import { describe, expect, it } from 'vitest';
import { KEY_SET_FAULTS, type KeySetAnswer, TEST_SECRET } from '../support/token-mint.ts';
import { keySetIssuer } from './key-set-issuer.ts';
import { refusalOf } from './refusal-of.ts';

const MINUTE = 60_000;
const unavailable = { status: 503, code: 'unavailable', cause: 'key_set_unavailable' };

const redirect: KeySetAnswer = (response) =>
  response.writeHead(302, { location: 'http://127.0.0.1:1/elsewhere.json' }).end();
const notAKeySet: KeySetAnswer = (response) => response.end('{"keys":"none"}');
const oversized: KeySetAnswer = (response) =>
  response.end(JSON.stringify({ keys: [], pad: 'x'.repeat(65_536) }));

/** Each with the words the operator reads. */
const atOnce: readonly (readonly [string, KeySetAnswer, string | RegExp])[] = [
  ['answers 500', KEY_SET_FAULTS.fail, 'status 500'],
  ['answers garbage', KEY_SET_FAULTS.garbage, 'not JSON'],
  ['answers JSON that is no key set', notAKeySet, 'not a JWK set'],
  ['answers an empty key set', KEY_SET_FAULTS.empty, 'no usable key'],
  ['answers 100 MB', KEY_SET_FAULTS.huge, 'over 65536 bytes'],
  ['answers a little over 64 KB', oversized, 'over 65536 bytes'],
  ['resets the connection', KEY_SET_FAULTS.reset, /hang up|ECONNRESET/],
  ['redirects', redirect, 'status 302'],
];

const inTime: readonly (readonly [string, KeySetAnswer])[] = [
  ['never answers', KEY_SET_FAULTS.hang],
  ['stops in the middle of an answer', KEY_SET_FAULTS.stall],
];

describe('F17 an issuer that, from the beginning,', () => {
  it.each(atOnce)('%s: not ready, 503 and not 401, and well once it is', async (_name, fault, reason) => {
    const { server, mint, authenticator, events, advanceToFetch } = await keySetIssuer();
    server.answer(fault);
    await authenticator.start();
    expect(authenticator.ready).toBe(false);
    expect(events).toEqual([{ kind: 'failed', cause: expect.any(Error), retryInMs: 1_000 }]);
    expect(events).toMatchObject([{ cause: { message: expect.stringMatching(reason) } }]);
    expect(await refusalOf(authenticator.verify(mint.token()))).toMatchObject({
      ...unavailable,
      retryAfterMs: 1_000,
    });

    server.publish(mint.key);
    await advanceToFetch(1_000);
    expect(authenticator.ready).toBe(true);
    expect(await refusalOf(authenticator.verify(mint.token()))).toBe('admitted');
  });

  it.each(inTime)('%s: start gives up after 4 s and leaves no connection', async (_name, fault) => {
    const { clock, server, mint, authenticator, events } = await keySetIssuer();
    server.answer(fault);
    const starting = authenticator.start();
    await server.reached(1);
    const waiting = authenticator.verify(mint.token());
    clock.advance(4_000);
    await starting;
    expect(authenticator.ready).toBe(false);
    expect(events).toMatchObject([{ kind: 'failed', cause: { message: 'no answer in 4000 ms' } }]);
    expect(await refusalOf(waiting)).toMatchObject(unavailable);
    await expect.poll(() => server.connections()).toBe(0);
  });
});

describe('F17 an issuer that later', () => {
  it.each(atOnce)('%s: known keys serve for 60 min, then 503; unknown ones get 503', async (_name, fault) => {
    const { clock, server, mint, authenticator, advanceToFetch } = await keySetIssuer();
    await authenticator.start();
    server.answer(fault);
    const known = mint.key;
    await advanceToFetch(5 * MINUTE);
    expect(await refusalOf(authenticator.verify(mint.token()))).toBe('admitted');
    mint.rotate();
    expect(await refusalOf(authenticator.verify(mint.token()))).toMatchObject(unavailable);

    clock.advance(55 * MINUTE);
    expect(await refusalOf(authenticator.verify(mint.token({ key: known })))).toBe('admitted');
    clock.advance(1);
    expect(await refusalOf(authenticator.verify(mint.token({ key: known })))).toMatchObject(unavailable);
    expect(authenticator.ready).toBe(true);
  });

  it.each(inTime)('%s: known keys are not kept waiting', async (_name, fault) => {
    const { clock, server, mint, authenticator } = await keySetIssuer();
    await authenticator.start();
    server.answer(fault);
    clock.advance(5 * MINUTE);
    await server.reached(2);
    expect(await refusalOf(authenticator.verify(mint.token()))).toBe('admitted');
  });
});

describe('F17 while the key set fails', () => {
  it('200 tokens cause no fetch beside the one of each backoff slot', async () => {
    const { server, mint, authenticator, advanceToFetch } = await keySetIssuer();
    server.answer(KEY_SET_FAULTS.fail);
    await authenticator.start();
    for (const [slot, wait] of [1, 2, 4, 8, 16, 30, 30].entries()) {
      const refusals = await Promise.all(
        Array.from({ length: 200 }, () => refusalOf(authenticator.verify(mint.token()))),
      );
      expect(refusals.every((refusal) => refusal !== 'admitted' && refusal.status === 503)).toBe(true);
      expect(server.fetches).toBe(slot + 1);
      await advanceToFetch(wait * 1_000);
    }
  });

  it('a bad token that needs no key is still 401', async () => {
    const { server, mint, authenticator } = await keySetIssuer();
    server.answer(KEY_SET_FAULTS.fail);
    await authenticator.start();
    expect(await refusalOf(authenticator.verify(mint.token({ expiresIn: -60 })))).toMatchObject({
      status: 401,
    });
  });
});

describe('a project that has a secret', () => {
  it('is ready without its key set', async () => {
    const { server, authenticator } = await keySetIssuer({ secret: TEST_SECRET });
    server.answer(KEY_SET_FAULTS.fail);
    await authenticator.start();
    expect(authenticator.ready).toBe(true);
  });

  it('may have an empty key set: then ES256 is 401 and not 503', async () => {
    const { server, mint, authenticator } = await keySetIssuer({ secret: TEST_SECRET });
    server.answer(KEY_SET_FAULTS.empty);
    await authenticator.start();
    expect(await refusalOf(authenticator.verify(mint.token()))).toMatchObject({
      status: 401,
      cause: 'unknown_key',
    });
  });

  it('does not lose its known keys to an empty one', async () => {
    const { server, mint, authenticator, advanceToFetch } = await keySetIssuer({ secret: TEST_SECRET });
    await authenticator.start();
    server.answer(KEY_SET_FAULTS.empty);
    await advanceToFetch(5 * MINUTE);
    expect(await refusalOf(authenticator.verify(mint.token()))).toBe('admitted');
  });
});

describe('close', () => {
  it('leaves no timer and no request', async () => {
    const { clock, server, authenticator } = await keySetIssuer();
    await authenticator.start();
    expect(clock.pending).toBe(1);
    server.answer(KEY_SET_FAULTS.hang);
    clock.advance(5 * MINUTE);
    await server.reached(2);
    authenticator.close();
    await expect.poll(() => clock.pending).toBe(0);
    await expect.poll(() => server.connections()).toBe(0);
  });
});
