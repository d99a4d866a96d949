/** `supabaseToken` on the real supabase-js, against an auth server played on loopback. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createClient } from '@supabase/supabase-js';
import { expect, it, onTestFinished } from 'vitest';
import { supabaseToken } from '../../src/client/index.ts';
import { ScriptedRelay } from './scripted-relay.ts';
import { ALICE, tokenOf } from './users.ts';

type Answer = readonly [status: number, body: string, type?: string];

interface AuthServer {
  /** How refreshes are answered instead of by a session. */
  answer: Answer | 'cut' | undefined;
  /** The access tokens that it gave. */
  readonly issued: string[];
  refreshes: number;
}

const LIFETIME_S = 3600;
const json = (status: number, body: object): Answer => [status, JSON.stringify(body), 'application/json'];

/** A session that ends in so many seconds, and the getter upon it. */
async function sessionEndingIn(seconds: number, atTheEnd = onTestFinished) {
  const auth: AuthServer = { answer: undefined, issued: [], refreshes: 0 };
  const server: Server = createServer((request, response) => {
    request.resume().on('end', () => {
      auth.refreshes += 1;
      if (auth.answer === 'cut') {
        request.socket.destroy();
        return;
      }
      const [status, body, type = 'text/html'] = auth.answer ?? json(200, sessionOf(LIFETIME_S, auth.issued));
      response.writeHead(status, { 'content-type': type, 'x-supabase-api-version': '2024-01-01' }).end(body);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  atTheEnd(() => {
    server.closeAllConnections();
    server.close();
  });
  const items = new Map([['session', JSON.stringify(sessionOf(seconds, auth.issued))]]);
  const storage = {
    getItem: (key: string) => items.get(key) ?? null,
    setItem: (key: string, value: string) => void items.set(key, value),
    removeItem: (key: string) => void items.delete(key),
  };
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const supabase = createClient(url, 'anon', {
    auth: { storage, storageKey: 'session', autoRefreshToken: false, detectSessionInUrl: false },
  });
  return { auth, supabase, getToken: supabaseToken(supabase) };
}

function sessionOf(seconds: number, issued: string[]) {
  const expiresAt = Math.floor(Date.now() / 1000) + seconds;
  const token = tokenOf(ALICE, expiresAt);
  issued.push(token);
  return {
    access_token: token,
    refresh_token: `refresh-${issued.length}`,
    token_type: 'bearer',
    expires_in: seconds,
    expires_at: expiresAt,
    user: { id: ALICE, aud: 'authenticated', app_metadata: {}, user_metadata: {}, created_at: '2026-01-01' },
  };
}

const NOT_NOW: readonly (readonly [string, Answer | 'cut'])[] = [
  ['the network breaks', 'cut'],
  ['the auth server is over its rate', json(429, { code: 'over_request_rate_limit', message: 'slow down' })],
  ['a proxy shows a page', [403, '<html>Forbidden</html>']],
  ['the auth server is away', [503, '<html>Service Unavailable</html>']],
  ['the auth server fails', json(500, { code: 'unexpected_failure', message: 'oops' })],
  ['a portal answers', json(403, { message: 'please log in to the Wi-Fi' })],
];

it('gives the token of the session, without a request', async () => {
  const { auth, getToken } = await sessionEndingIn(LIFETIME_S);
  expect(await getToken({ refresh: false })).toBe(auth.issued[0]);
  expect(await getToken({ refresh: false })).toBe(auth.issued[0]);
  expect(auth.refreshes).toBe(0);
});

it.each([50, -10])('gives a fresh one for one that ends in %i s, by one request', async (seconds) => {
  const { auth, getToken } = await sessionEndingIn(seconds);
  expect(await getToken({ refresh: true })).toBe(auth.issued[1]);
  expect(auth.refreshes).toBe(1);
});

it('gives a fresh one for one that was refused before its time, by one request', async () => {
  const { auth, getToken } = await sessionEndingIn(LIFETIME_S);
  await getToken({ refresh: false });
  expect(await getToken({ refresh: true })).toBe(auth.issued[1]);
  expect(auth.refreshes).toBe(1);
});

it('gives null where nobody is signed in, and after signing out', async () => {
  const { supabase, getToken } = await sessionEndingIn(LIFETIME_S);
  expect(await getToken({ refresh: false })).not.toBeNull();
  await supabase.auth.signOut({ scope: 'local' });
  expect(await getToken({ refresh: false })).toBeNull();
  expect(await getToken({ refresh: true })).toBeNull();
});

it('gives null where the auth server has ended the session', async () => {
  const { auth, getToken } = await sessionEndingIn(-10);
  auth.answer = json(400, { code: 'refresh_token_not_found', message: 'Invalid Refresh Token' });
  expect(await getToken({ refresh: true })).toBeNull();
});

it('gives what is still good of a session that the auth server has ended', async () => {
  const { auth, getToken } = await sessionEndingIn(50);
  auth.answer = json(400, { code: 'refresh_token_not_found', message: 'Invalid Refresh Token' });
  expect(await getToken({ refresh: false })).toBe(auth.issued[0]);
  expect(await getToken({ refresh: true })).toBe(auth.issued[0]);
});

// Side by side: of those that are away the library asks again for 25 s.
it.concurrent.for(NOT_NOW)(
  'throws where %s and the token has expired',
  { timeout: 90_000 },
  async ([_what, answer], { expect, onTestFinished: atTheEnd }) => {
    const { auth, getToken } = await sessionEndingIn(-10, atTheEnd);
    auth.answer = answer;
    await expect(getToken({ refresh: true })).rejects.toMatchObject({ name: expect.stringMatching(/^Auth/) });
  },
);

it('a refresh that failed for a while is made up for as soon as supabase-js asks again', async () => {
  const { auth, getToken } = await sessionEndingIn(50);
  auth.answer = json(429, { code: 'over_request_rate_limit', message: 'slow down' });
  expect(await getToken({ refresh: false })).toBe(auth.issued[0]);
  await expect(getToken({ refresh: true })).rejects.toMatchObject({ status: 429 });
  expect(auth.refreshes).toBe(1); // remembered for a minute
});

it('a client whose token cannot be refreshed does not take its user for signed out', async () => {
  const { auth, getToken } = await sessionEndingIn(50);
  const relay = new ScriptedRelay({ getToken });
  const stream = relay.ask();
  while (relay.sockets.length === 0) await relay.pass(10, 10);
  relay.greet(50_000);
  relay.accept(stream.id);
  auth.answer = json(500, { code: 'unexpected_failure', message: 'oops' });
  relay.socket.say({ type: 'token_expiring', expiresInMs: 50_000 });
  await relay.pass(20_000);
  expect(stream.phase).toBe('thinking');
  expect(relay.socket.sentOf('auth')).toEqual([]);
});
