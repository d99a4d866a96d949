import { describe, expect, it } from 'vitest';
import { RelayError } from '../../src/protocol/relay-error.ts';
import { handshake } from './handshake.ts';
import { openHandshake, openRaw, parseAnswer, refusedHandshake, roundTrip } from './raw-client.ts';
import { type StartedServer, startServer } from './start-server.ts';

const withToken = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });

/** Holds each check until it is let go. */
function holdChecks({ authenticator }: StartedServer) {
  const verify = authenticator.verify.bind(authenticator);
  const asked = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  authenticator.verify = async (token) => {
    asked.resolve();
    await released.promise;
    return verify(token);
  };
  return { asked: asked.promise, release: released.resolve };
}

describe('the token check of a handshake', () => {
  it('passes on what the authenticator says', async () => {
    const { port, authenticator } = await startServer();
    authenticator.tokens.set('anonymous', new RelayError('forbidden', 'sign in'));
    authenticator.tokens.set('unlucky', new RelayError('unavailable', 'no keys', { retryAfterMs: 7500 }));
    expect((await refusedHandshake(port, withToken('anonymous'))).status).toBe(403);
    expect(await refusedHandshake(port, withToken('unlucky'))).toMatchObject({
      status: 503,
      headers: { 'retry-after': '8' },
    });
  });

  it('hides what an unexpected failure says', async () => {
    const { port, authenticator } = await startServer();
    authenticator.verify = () => Promise.reject(new Error('secret detail'));
    const answer = await refusedHandshake(port);
    expect(answer).toMatchObject({ status: 500, error: { code: 'internal', retryable: true } });
    expect(JSON.stringify(answer)).not.toContain('secret detail');
  });

  it('is given up with 503 after five seconds, and the place given back', async () => {
    const started = await startServer({ limits: { connections: 1 } });
    const { asked, release } = holdChecks(started);
    const answer = refusedHandshake(started.port);
    await asked;
    started.clock.advance(5000);
    expect(await answer).toMatchObject({ status: 503, error: { code: 'unavailable' } });
    release();
    await openHandshake(started.port);
    expect(started.core.connections).toHaveLength(1);
  });

  it.each(['resetAndDestroy', 'destroy'] as const)(
    'survives a peer that is gone meanwhile (%s)',
    async (leave) => {
      const started = await startServer({ limits: { connections: 1 } });
      const { asked, release } = holdChecks(started);
      const client = await openRaw(started.port);
      client.send(handshake());
      await asked;
      client.socket[leave]();
      // One round trip later the server has seen it too.
      await roundTrip(started.port);
      release();
      expect(parseAnswer((await openHandshake(started.port)).text).status).toBe(101);
      expect(started.observer.failures).toEqual([]);
    },
  );

  it('leaves no timer behind', async () => {
    const { port, clock } = await startServer();
    await openHandshake(port);
    await refusedHandshake(port, withToken('mallory'));
    await roundTrip(port);
    expect(clock.pending).toBe(0);
  });
});
