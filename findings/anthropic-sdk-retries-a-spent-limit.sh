#!/usr/bin/env bash
# @anthropic-ai/sdk 1.14.0 (Node 20 or later): a 429 whose `details.error_code` is `enforced_spend_limit_reached` has an error
# class of its own, EnforcedSpendLimitReachedError, and yet is retried like any other 429: with the default of two retries the
# API is asked three times for what cannot succeed before the limit changes. Only `x-should-retry: false` stops it.
#
# Expected: an error that the SDK knows to be about spent money is thrown at once.
# Seen:
#   no header:             EnforcedSpendLimitReachedError after 3 requests
#   x-should-retry: false: EnforcedSpendLimitReachedError after 1 request
#
# Needs: bash, node, npm. Speaks to the npm registry and to loopback only. Exits 0 while the SDK behaves so, 1 once it does not.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent @anthropic-ai/sdk@1.14.0
cat >seen.mjs <<'JS'
import http from 'node:http';
import Anthropic from '@anthropic-ai/sdk';

let requests = 0;
const server = http.createServer((request, response) => {
  request.resume();
  requests += 1;
  const advice = request.url.startsWith('/told') ? { 'x-should-retry': 'false' } : {};
  response.writeHead(429, { 'content-type': 'application/json', ...advice });
  const details = { error_code: 'enforced_spend_limit_reached' };
  response.end(JSON.stringify({ type: 'error', error: { type: 'rate_limit_error', message: 'Spent', details } }));
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const origin = `http://127.0.0.1:${server.address().port}`;

async function ask(path) {
  requests = 0;
  const client = new Anthropic({ apiKey: 'none', baseURL: origin + path, logLevel: 'off' });
  const question = { model: 'claude-haiku-5-5', max_tokens: 9, messages: [{ role: 'user', content: 'Hi' }] };
  const error = await client.messages.create(question).catch((cause) => cause);
  return { name: error.constructor.name, requests };
}

const untold = await ask('');
const told = await ask('/told');
server.closeAllConnections();
server.close();
console.log(`no header:             ${untold.name} after ${untold.requests} requests`);
console.log(`x-should-retry: false: ${told.name} after ${told.requests} request`);
process.exitCode =
  untold.name === 'EnforcedSpendLimitReachedError' && untold.requests === 3 && told.requests === 1 ? 0 : 1;
JS
node seen.mjs
