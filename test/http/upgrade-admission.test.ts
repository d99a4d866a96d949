import { describe, expect, it } from 'vitest';
import { openHandshake, refusedHandshake } from './raw-client.ts';
import { startServer } from './start-server.ts';

const BOB = { headers: { authorization: 'Bearer bob' } };
const from = (address: string) => ({ headers: { 'x-forwarded-for': address } });

describe('admission', () => {
  it('refuses the user who has all his connections with 429, and others not', async () => {
    const { port } = await startServer({ limits: { connectionsPerUser: 2 } });
    await openHandshake(port);
    await openHandshake(port);
    const answer = await refusedHandshake(port);
    expect(answer).toMatchObject({ status: 429, error: { code: 'too_many_connections', retryable: true } });
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    await openHandshake(port, BOB);
  });

  it('refuses an address that has all its connections with 429', async () => {
    const { port } = await startServer({ limits: { connectionsPerAddress: 1 } });
    await openHandshake(port);
    expect(await refusedHandshake(port, BOB)).toMatchObject({
      status: 429,
      error: { code: 'too_many_connections' },
    });
  });

  it('refuses everyone with 503 when the machine is full', async () => {
    const { port } = await startServer({ limits: { connections: 1 } });
    await openHandshake(port);
    const answer = await refusedHandshake(port, BOB);
    expect(answer).toMatchObject({ status: 503, error: { code: 'unavailable', retryable: true } });
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
  });

  it('gives a place back when a socket goes, and only once', async () => {
    const { port, core } = await startServer({ limits: { connectionsPerUser: 1, connections: 2 } });
    for (let round = 0; round < 3; round += 1) {
      const client = await openHandshake(port);
      const connection = await core.connection(round);
      connection.socket.close(1001, 'goingAway');
      client.socket.destroy();
      await connection.closeCode();
    }
    await openHandshake(port);
    expect((await refusedHandshake(port)).status).toBe(429);
    await openHandshake(port, BOB);
    expect((await refusedHandshake(port, BOB)).status).toBe(503);
  });

  it('gives a place back after a refused handshake', async () => {
    const { port } = await startServer({ limits: { connections: 1 } });
    const bad = { headers: { authorization: 'Bearer mallory' } };
    for (let round = 0; round < 3; round += 1) expect((await refusedHandshake(port, bad)).status).toBe(401);
    await openHandshake(port);
  });

  it('gives a place back when the core fails to connect', async () => {
    const { port, core, observer } = await startServer({ limits: { connections: 1 } });
    core.onConnect = () => {
      throw new Error('broken');
    };
    const client = await openHandshake(port);
    await client.untilClosed();
    expect(observer.failures.map(({ what }) => what)).toEqual(['connect']);
    core.onConnect = undefined;
    await openHandshake(port);
  });

  it('refuses handshakes over the rate of one address with 429 and when to come back', async () => {
    const { port } = await startServer({ limits: { upgradesPerSecondPerAddress: 2 } });
    await openHandshake(port);
    await openHandshake(port);
    const answer = await refusedHandshake(port);
    expect(answer).toMatchObject({ status: 429, error: { code: 'rate_limited', retryable: true } });
    expect(answer.headers['retry-after']).toBe('1');
  });

  it('is unmoved by a forged X-Forwarded-For', async () => {
    const { port } = await startServer({ limits: { upgradesPerSecondPerAddress: 1 } });
    await openHandshake(port, from('203.0.113.1'));
    expect((await refusedHandshake(port, from('203.0.113.2'))).status).toBe(429);
  });

  it('tells the clients of a trusted proxy apart', async () => {
    const { port } = await startServer({
      trustProxy: ['127.0.0.0/8'],
      limits: { upgradesPerSecondPerAddress: 1 },
    });
    await openHandshake(port, from('203.0.113.1'));
    await openHandshake(port, from('203.0.113.2'));
    expect((await refusedHandshake(port, from('198.51.100.7, 203.0.113.1'))).status).toBe(429);
  });

  it('refuses with 503 while draining, overloaded, or switched off', async () => {
    const { port, health } = await startServer();
    health.state = 'draining';
    expect(await refusedHandshake(port)).toMatchObject({ status: 503, error: { code: 'shutting_down' } });
    health.state = 'overloaded';
    expect(await refusedHandshake(port)).toMatchObject({ status: 503, error: { code: 'unavailable' } });
    const off = await startServer({ streamingEnabled: () => false });
    expect(await refusedHandshake(off.port)).toMatchObject({ status: 503, error: { code: 'unavailable' } });
  });
});
