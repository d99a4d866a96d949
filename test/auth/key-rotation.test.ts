import { describe, expect, it } from 'vitest';
import { eventually } from '../support/test-run.ts';
import { keySetIssuer, settled } from './key-set-issuer.ts';
import { refusalOf } from './refusal-of.ts';

const MINUTE = 60_000;

describe('F18 rotation', () => {
  it('refuses no good token, of the old key or the new, under load', async () => {
    const { server, mint, authenticator } = await keySetIssuer();
    await authenticator.start();
    const old = mint.key;
    const next = mint.rotate();
    server.publish(old, next);
    const tokens = Array.from({ length: 200 }, (_, index) =>
      mint.token({ sub: crypto.randomUUID(), key: index % 2 === 0 ? old : next }),
    );
    const results = await Promise.all(tokens.map((token) => refusalOf(authenticator.verify(token))));
    expect(new Set(results)).toEqual(new Set(['admitted']));
    expect(server.fetches).toBe(2);
  });

  it('is also learnt by the refresh each 5 min', async () => {
    const { server, mint, authenticator, advanceToFetch } = await keySetIssuer();
    await authenticator.start();
    const old = mint.key;
    server.publish(old, mint.rotate());
    await advanceToFetch(5 * MINUTE);
    expect(await refusalOf(authenticator.verify(mint.token()))).toBe('admitted');
    expect(await refusalOf(authenticator.verify(mint.token({ key: old })))).toBe('admitted');
    expect(server.fetches).toBe(2);
  });

  it('to another algorithm works the same', async () => {
    const { server, mint, authenticator } = await keySetIssuer();
    await authenticator.start();
    server.publish(mint.rotate('RS256'));
    expect(await refusalOf(authenticator.verify(mint.token()))).toBe('admitted');
  });
});

describe('44 revocation', () => {
  it('refuses a token of the revoked key once the key set lacks it, even one admitted before', async () => {
    const { server, mint, authenticator, advanceToFetch } = await keySetIssuer();
    await authenticator.start();
    const token = mint.token();
    expect(await refusalOf(authenticator.verify(token))).toBe('admitted');
    server.publish(mint.rotate());
    await advanceToFetch(5 * MINUTE);
    expect(await refusalOf(authenticator.verify(token))).toMatchObject({ status: 401, cause: 'unknown_key' });
  });

  it('is known of a principal that was admitted before', async () => {
    const { server, mint, authenticator, advanceToFetch } = await keySetIssuer();
    await authenticator.start();
    const before = await authenticator.verify(mint.token());
    expect(authenticator.withdrawn(before)).toBe(false);
    await advanceToFetch(5 * MINUTE);
    expect(authenticator.withdrawn(before)).toBe(false);
    server.publish(mint.rotate());
    await advanceToFetch(5 * MINUTE);
    expect(authenticator.withdrawn(before)).toBe(true);
    expect(authenticator.withdrawn(await authenticator.verify(mint.token()))).toBe(false);
  });

  it('refuses a token of the old key when another key took over its id', async () => {
    const { server, mint, authenticator, advanceToFetch } = await keySetIssuer();
    await authenticator.start();
    const token = mint.token();
    expect(await refusalOf(authenticator.verify(token))).toBe('admitted');
    server.publishJwks([{ ...mint.rotate().jwk, kid: kidOf(token) }]);
    await advanceToFetch(5 * MINUTE);
    expect(await refusalOf(authenticator.verify(token))).toMatchObject({ status: 401, cause: 'signature' });
  });
});

describe('27 key ids nobody has', () => {
  it('cause one fetch for 500 of them, and the next only 30 s later', async () => {
    const { clock, server, mint, authenticator } = await keySetIssuer();
    await authenticator.start();
    const flood = () =>
      Promise.all(
        Array.from({ length: 500 }, (_, index) =>
          refusalOf(authenticator.verify(mint.token({ header: { kid: `unknown-${index}` } }))),
        ),
      );
    expect(new Set((await flood()).map((refusal) => (refusal as { status: number }).status))).toEqual(
      new Set([401]),
    );
    expect(server.fetches).toBe(2);
    clock.advance(29_999);
    await flood();
    expect(server.fetches).toBe(2);
    clock.advance(1);
    await flood();
    expect(server.fetches).toBe(3);
  });

  it.each([1, 100])(
    'do not keep a new key out for longer than 5 s, at %i forged ones each half second',
    async (each) => {
      const { clock, server, mint, authenticator } = await keySetIssuer();
      await authenticator.start();
      const old = mint.key;
      let forged = 0;
      const flood = async () => {
        const tokens = Array.from({ length: each }, () =>
          mint.token({ key: old, header: { kid: `f-${forged++}` } }),
        );
        for (const token of tokens)
          expect(await refusalOf(authenticator.verify(token))).toMatchObject({
            status: 401,
            cause: 'unknown_key',
          });
      };
      const halfSecond = async () => {
        const due = server.fetches;
        await flood();
        clock.advance(500);
        if (clock.now() % 5000 === 0) await eventually('fetched', () => server.fetches > due);
        await settled();
      };
      for (let times = 0; times < 40; times += 1) await halfSecond();
      expect(server.fetches).toBeLessThanOrEqual(2 + 20 / 5);
      server.publish(old, mint.rotate());
      let waited = 0;
      while ((await refusalOf(authenticator.verify(mint.token()))) !== 'admitted') {
        expect(await refusalOf(authenticator.verify(mint.token({ key: old })))).toBe('admitted');
        await halfSecond();
        waited += 500;
        expect(waited).toBeLessThanOrEqual(5500);
      }
    },
  );

  it('that were asked for are not asked for again in 30 s', async () => {
    const { clock, server, mint, authenticator } = await keySetIssuer();
    await authenticator.start();
    const token = mint.token({ header: { kid: 'forged' } });
    for (let second = 0; second < 30; second += 1) {
      expect(await refusalOf(authenticator.verify(token))).toMatchObject({ cause: 'unknown_key' });
      clock.advance(1000);
    }
    expect(server.fetches).toBe(2);
  });

  it('leave one timer: that of the next refresh', async () => {
    const { clock, server, mint, authenticator } = await keySetIssuer();
    await authenticator.start();
    await refusalOf(authenticator.verify(mint.token({ header: { kid: 'unknown' } })));
    expect(server.fetches).toBe(2);
    expect(clock.pending).toBe(1);
  });

  it('28 no URL in a token is ever asked', async () => {
    const { server, mint, authenticator } = await keySetIssuer();
    await authenticator.start();
    for (const field of ['jku', 'x5u']) {
      const token = mint.token({ header: { [field]: server.url, kid: 'unknown' } });
      expect(await refusalOf(authenticator.verify(token))).toMatchObject({ status: 401, cause: 'header' });
    }
    expect(server.fetches).toBe(1);
  });
});

function kidOf(token: string): unknown {
  return JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()).kid;
}
