#!/usr/bin/env bash
# @supabase/auth-js 2.119.1 (the auth part of supabase-js; Node 20 or later): a 429 for the refresh of a session whose access
# token has expired deletes the session from storage and fires SIGNED_OUT, after one request. A 503 at the same place is
# tried 8 times (25 s) and the session is kept. So an address that many users share, and that meets the rate limit of
# the token endpoint, signs them out for good, though their refresh tokens are valid. The error has the status 429, so an
# app can tell the cause, but the session is gone by then.
#
# Expected: "too many requests" passes, and is handled as 503 is.
# Seen:
#   429, token expired:       session deleted, SIGNED_OUT, AuthApiError after 1 request
#   429, token lives for 60s: session kept after 1 request
#   503, token expired:       session kept, AuthRetryableFetchError after 8 requests
#
# Needs: bash, node, npm. Speaks to the npm registry and to loopback only. Takes half a minute. Exits 0 while auth-js
# behaves so, 1 once it does not.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent @supabase/auth-js@2.119.1
cat >seen.mjs <<'JS'
import http from 'node:http';
import { AuthClient } from '@supabase/auth-js';

console.error = console.warn = () => {}; // it prints each error
let status = 0;
let requests = 0;
const server = http.createServer((request, response) => {
  request.resume();
  requests += 1;
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ code: status === 429 ? 'over_request_rate_limit' : 'unavailable', message: 'No' }));
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const url = `http://127.0.0.1:${server.address().port}`;
const part = (json) => Buffer.from(JSON.stringify(json)).toString('base64url');

async function refresh(answer, secondsLeft) {
  status = answer;
  requests = 0;
  const expires_at = Math.floor(Date.now() / 1000) + secondsLeft;
  const access_token = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ sub: 'a', exp: expires_at })}.c2ln`;
  const session = { access_token, refresh_token: 'r', expires_at, expires_in: 3600, token_type: 'bearer', user: { id: 'a' } };
  const kept = new Map([['session', JSON.stringify(session)]]);
  const storage = {
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => void kept.set(key, value),
    removeItem: (key) => void kept.delete(key),
  };
  const client = new AuthClient({ url, storage, storageKey: 'session', persistSession: true, autoRefreshToken: false });
  const events = [];
  client.onAuthStateChange((event) => void events.push(event));
  const { error } = await client.getSession();
  return [
    `session ${kept.has('session') ? 'kept' : 'deleted'}`,
    ...events.filter((event) => event === 'SIGNED_OUT'),
    ...(error ? [error.name] : []),
  ].join(', ') + ` after ${requests} request${requests === 1 ? '' : 's'}`;
}

const limited = await refresh(429, -60);
const alive = await refresh(429, 60);
const away = await refresh(503, -60);
server.close();
console.log(`429, token expired:       ${limited}`);
console.log(`429, token lives for 60s: ${alive}`);
console.log(`503, token expired:       ${away}`);
process.exitCode =
  limited === 'session deleted, SIGNED_OUT, AuthApiError after 1 request' &&
  alive === 'session kept after 1 request' &&
  away === 'session kept, AuthRetryableFetchError after 8 requests'
    ? 0
    : 1;
JS
node seen.mjs
