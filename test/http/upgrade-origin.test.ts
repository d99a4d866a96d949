import { describe, expect, it } from 'vitest';
import { openHandshake, parseAnswer, refusedHandshake } from './raw-client.ts';
import { startServer } from './start-server.ts';

const ALLOWED = ['https://app.example.com', 'capacitor://localhost'];
const browser = (origin: string, more: Record<string, string> = {}) => ({
  headers: {
    authorization: undefined,
    'sec-websocket-protocol': 'dash-relay.v1, bearer.alice',
    origin,
    ...more,
  },
});

describe('the Origin of a handshake whose token came by subprotocol', () => {
  it.each([
    'https://evil.example',
    'null',
    'https://app.example.com.evil.example',
    'http://app.example.com',
    'https://APP.example.com',
    'https://app.example.com:8443',
    'https://app.example.com/',
    'https://relay.example:444',
    '',
  ])('refuses %s', async (origin) => {
    const { port } = await startServer({ allowedOrigins: ALLOWED });
    const answer = await refusedHandshake(port, browser(origin));
    expect(answer).toMatchObject({ status: 403, error: { code: 'forbidden' } });
  });

  it.each([
    'https://app.example.com',
    'capacitor://localhost',
    'https://relay.example',
    'http://relay.example',
  ])('admits %s', async (origin) => {
    const { port } = await startServer({ allowedOrigins: ALLOWED });
    expect(parseAnswer((await openHandshake(port, browser(origin))).text).status).toBe(101);
  });

  it('refuses http of the own host where the connection came over TLS', async () => {
    const { port } = await startServer();
    const overTls = { 'x-forwarded-proto': 'https' };
    expect((await refusedHandshake(port, browser('http://relay.example', overTls))).status).toBe(403);
  });

  it('is judged before the token is looked at', async () => {
    const { port, authenticator } = await startServer();
    authenticator.verify = () => Promise.reject(new Error('must not be asked'));
    expect((await refusedHandshake(port, browser('https://evil.example'))).status).toBe(403);
  });
});
