import { describe, expect, it } from 'vitest';
import { keySetIssuer } from './key-set-issuer.ts';
import { refusalOf } from './refusal-of.ts';

const MINUTE = 60_000;

describe('F19 the wall clock steps', () => {
  it.each([
    ['4 s ahead', 4_000, 'admitted'],
    ['5 s back', -5_000, 'admitted'],
    ['10 min ahead', 10 * MINUTE, 'expired'],
    ['10 min back', -10 * MINUTE, 'issued_in_future'],
  ])('%s: a fresh token of one second is judged with 5 s of tolerance', async (_name, step, expected) => {
    const { clock, mint, authenticator } = await keySetIssuer();
    await authenticator.start();
    const token = mint.token({ expiresIn: 1 });
    await authenticator.verify(token);
    clock.stepWallClock(step);
    const refusal = await refusalOf(authenticator.verify(token));
    if (expected === 'admitted') expect(refusal).toBe(expected);
    else expect(refusal).toMatchObject({ status: 401, cause: expected });
  });

  it.each([
    ['a day ahead', 1_440 * MINUTE],
    ['a day back', -1_440 * MINUTE],
  ])('%s: the key set neither ages nor is fetched earlier or later', async (_name, step) => {
    const { clock, server, mint, authenticator, advanceToFetch } = await keySetIssuer();
    await authenticator.start();
    clock.stepWallClock(step);
    expect(await refusalOf(authenticator.verify(mint.token()))).toBe('admitted');
    clock.advance(5 * MINUTE - 1);
    expect(server.fetches).toBe(1);
    await advanceToFetch(1);
    expect(server.fetches).toBe(2);
  });

  it('a remembered token expires with its exp', async () => {
    const { clock, mint, authenticator } = await keySetIssuer();
    await authenticator.start();
    const token = mint.token({ expiresIn: 60 });
    expect(await refusalOf(authenticator.verify(token))).toBe('admitted');
    clock.advance(64_999);
    expect(await refusalOf(authenticator.verify(token))).toBe('admitted');
    clock.advance(1);
    expect(await refusalOf(authenticator.verify(token))).toMatchObject({ cause: 'expired' });
  });
});
