import { describe, expect, it } from 'vitest';
import { RelayError } from '../../src/protocol/relay-error.ts';
import { principalOf } from '../support/fake-authenticator.ts';
import { openHandshake, refusedHandshake } from './raw-client.ts';
import { ALICE, type StartedServer, startServer } from './start-server.ts';

async function session(
  { url }: StartedServer,
  headers: Record<string, string> = { authorization: 'Bearer alice' },
) {
  const response = await fetch(`${url}/v1/session`, { headers });
  return { status: response.status, headers: response.headers, body: await response.json() };
}

describe('GET /v1/session', () => {
  it('says who the caller is', async () => {
    const started = await startServer();
    started.authenticator.tokens.set(
      'pro',
      principalOf(ALICE, { tier: 'pro', organizationId: 'school', expiresAt: 7 }),
    );
    const { status, body, headers } = await session(started, { authorization: 'Bearer pro' });
    expect([status, body]).toEqual([
      200,
      { userId: ALICE, tier: 'pro', organizationId: 'school', anonymous: false, expiresAt: 7 },
    ]);
    expect(headers.get('cache-control')).toBe('no-store');
  });

  it.each([
    ['without a token', {}, 401],
    ['with a bad token', { authorization: 'Bearer mallory' }, 401],
    ['with another scheme', { authorization: 'Basic YWxpY2U6' }, 401],
  ])('is refused %s', async (_what, headers, status) => {
    const answer = await session(await startServer(), headers);
    expect(answer.status).toBe(status);
    expect(answer.body).toEqual({
      error: {
        code: 'unauthorized',
        message: expect.any(String),
        retryable: false,
        requestId: answer.headers.get('x-request-id'),
      },
    });
  });

  it('passes on 403 and 503 of the authenticator', async () => {
    const started = await startServer();
    started.authenticator.tokens.set('anonymous', new RelayError('forbidden', 'sign in'));
    started.authenticator.tokens.set('unlucky', new RelayError('unavailable', 'no keys'));
    expect((await session(started, { authorization: 'Bearer anonymous' })).status).toBe(403);
    const unlucky = await session(started, { authorization: 'Bearer unlucky' });
    expect(unlucky.status).toBe(503);
    expect(Number(unlucky.headers.get('retry-after'))).toBeGreaterThan(0);
  });

  it('tells a browser why its socket was refused', async () => {
    const started = await startServer({ limits: { connectionsPerUser: 1 } });
    await openHandshake(started.port);
    expect((await session(started)).body).toMatchObject({ error: { code: 'too_many_connections' } });
    started.health.state = 'draining';
    expect((await session(started)).body).toMatchObject({ error: { code: 'shutting_down' } });
  });

  it('tells it also where the handshake would pass by now, until one has', async () => {
    const started = await startServer({ limits: { upgradesPerSecondPerAddress: 1 } });
    started.authenticator.tokens.set('carol', principalOf('33333333-3333-4333-8333-333333333333'));
    await openHandshake(started.port, { headers: { authorization: 'Bearer bob' } });
    await refusedHandshake(started.port);
    started.clock.advance(1000);
    expect((await session(started, { authorization: 'Bearer carol' })).status).toBe(200);
    const answer = await session(started);
    expect(answer.body).toMatchObject({ error: { code: 'rate_limited' } });
    expect(answer.headers.get('retry-after')).toBe('1');
    await openHandshake(started.port);
    started.clock.advance(1000);
    expect((await session(started)).status).toBe(200);
  });

  it('forgets a refusal that nobody asked about', async () => {
    const started = await startServer({ limits: { connectionsPerUser: 1 } });
    const { socket } = await openHandshake(started.port);
    await refusedHandshake(started.port);
    socket.destroy();
    await (await started.core.connection()).closeCode();
    expect((await session(started)).body).toMatchObject({ error: { code: 'too_many_connections' } });
    started.clock.advance(10_000);
    expect((await session(started)).status).toBe(200);
  });

  it('takes no handshake of the address', async () => {
    const started = await startServer({ limits: { upgradesPerSecondPerAddress: 1 } });
    for (let asked = 0; asked < 3; asked += 1) expect((await session(started)).status).toBe(200);
    await openHandshake(started.port);
  });

  it('takes no place', async () => {
    const started = await startServer({ limits: { connections: 1 } });
    await session(started);
    await session(started, {});
    await openHandshake(started.port);
    expect((await started.core.connection()).info.principal.userId).toBe(ALICE);
  });
});
