/** The auth server of a Supabase project, as far as an app that signs in by password and a relay speak to it. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { systemClock } from '../../src/time/clock.ts';
import { TokenMint } from '../support/token-mint.ts';

export interface SupabaseAuth extends AsyncDisposable {
  /** Of the project. */
  readonly url: string;
  /** How many sessions were ended by their users. */
  readonly signedOut: number;
}

const HEADERS = {
  'content-type': 'application/json',
  'access-control-allow-origin': '*',
  'access-control-allow-headers': '*, authorization',
  'access-control-allow-methods': '*',
  'access-control-expose-headers': 'x-supabase-api-version',
  'x-supabase-api-version': '2024-01-01', // of how errors are said
};

/** @param passwords by e-mail address, and a user's id */
export async function startSupabaseAuth(
  users: Readonly<Record<string, { readonly id: string; readonly password: string }>>,
): Promise<SupabaseAuth> {
  let signedOut = 0;
  const server = createServer((request, response) => {
    void answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const mint = new TokenMint(systemClock, undefined, `${url}/auth/v1`);

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const say = (status: number, body?: object): void => {
      response.writeHead(status, HEADERS);
      response.end(body && JSON.stringify(body));
    };
    const { method, url: path = '' } = request;
    if (method === 'OPTIONS') return say(204);
    if (path === '/auth/v1/.well-known/jwks.json') return say(200, { keys: [mint.key.jwk] });
    if (path.startsWith('/auth/v1/logout')) {
      signedOut += 1;
      return say(204);
    }
    if (path !== '/auth/v1/token?grant_type=password') return say(404, { code: 'not_found', message: path });
    const { email, password } = (await json(request)) as Record<'email' | 'password', string>;
    const user = users[email];
    if (user?.password !== password)
      return say(400, { code: 'invalid_credentials', message: 'Invalid login credentials' });
    return say(200, sessionOf(email, user.id));
  }

  function sessionOf(email: string, id: string): object {
    const expiresIn = 3600;
    return {
      access_token: mint.token({ sub: id, expiresIn, claims: { email } }),
      refresh_token: `refresh-of-${id}`,
      token_type: 'bearer',
      expires_in: expiresIn,
      expires_at: Math.floor(systemClock.now() / 1000) + expiresIn,
      user: {
        id,
        email,
        aud: 'authenticated',
        app_metadata: {},
        user_metadata: {},
        created_at: '2026-01-01',
      },
    };
  }

  return {
    url,
    get signedOut() {
      return signedOut;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
