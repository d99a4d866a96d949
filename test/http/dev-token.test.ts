import { describe, expect, it } from 'vitest';
import type { MintRequest } from '../../src/auth/development-issuer.ts';
import { exchange, parseAnswer } from './raw-client.ts';
import { startServer } from './start-server.ts';

function fakeIssuer() {
  const requests: MintRequest[] = [];
  return {
    requests,
    async mint(request: MintRequest = {}) {
      requests.push(request);
      return 'a.b.c';
    },
  };
}

const post = (host: string, body: string) =>
  `POST /dev/token HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

describe('POST /dev/token', () => {
  it.each(['127.0.0.1:8787', 'localhost:8787', 'localhost', '[::1]:8787'])('serves Host %s', async (host) => {
    const issuer = fakeIssuer();
    const { port } = await startServer({ routes: { developmentIssuer: issuer } });
    const text = await exchange(port, post(host, '{"tier":"pro","expiresIn":60,"other":1}'));
    expect(parseAnswer(text).status).toBe(200);
    expect(text).toContain('{"access_token":"a.b.c","token_type":"bearer","expires_in":60,"simulated":true}');
    expect(issuer.requests).toEqual([{ sub: undefined, tier: 'pro', expiresIn: 60 }]);
  });

  it.each([
    ['nothing of a tier gives one without a quota', {}, 'enterprise'],
    ['a tier gives that', { tier: 'free' }, 'free'],
    ['null gives none', { tier: null }, undefined],
  ])('%s', async (_, body, tier) => {
    const issuer = fakeIssuer();
    const { port } = await startServer({ routes: { developmentIssuer: issuer } });
    await exchange(port, post('localhost', JSON.stringify(body)));
    expect(issuer.requests).toEqual([{ sub: undefined, tier, expiresIn: 3600 }]);
  });

  it('needs no body', async () => {
    const { url } = await startServer({ routes: { developmentIssuer: fakeIssuer() } });
    const response = await fetch(`${url}/dev/token`, { method: 'POST' });
    expect(await response.json()).toMatchObject({ access_token: 'a.b.c', expires_in: 3600 });
  });

  it.each(['relay.example', 'localhost.evil.example', '127.0.0.1.evil.example', '10.0.0.1'])(
    'refuses Host %s: a name may have been rebound to this machine',
    async (host) => {
      const issuer = fakeIssuer();
      const { port } = await startServer({ routes: { developmentIssuer: issuer } });
      expect(parseAnswer(await exchange(port, post(host, '{}')))).toMatchObject({ status: 403 });
      expect(issuer.requests).toEqual([]);
    },
  );

  it.each(['[]', 'null', '"x"', '1'])('refuses the body %s', async (body) => {
    const { port } = await startServer({ routes: { developmentIssuer: fakeIssuer() } });
    expect(parseAnswer(await exchange(port, post('localhost', body)))).toMatchObject({ status: 400 });
  });

  it('is not there without an issuer', async () => {
    const { port } = await startServer();
    expect(parseAnswer(await exchange(port, post('localhost', '{}')))).toMatchObject({ status: 404 });
  });
});
