#!/usr/bin/env bash
# @anthropic-ai/sdk 1.14.0 (Node 20 or later): `logLevel: 'off'` does not turn off what it says of deprecated models. Each
# `messages.create` for one writes a plain line to stderr through console.warn, past `logLevel` and past a `logger` of one's
# own, and at every request. In a process whose log is JSON that is a line no reader of the log can parse.
#
# Expected: nothing with `logLevel: 'off'`; otherwise a call of the given logger.
# Seen (three requests each):
#   messages.create: 3 warnings on the console, 0 calls of the logger
#   client.post:     0 warnings on the console, 0 calls of the logger
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

const server = http.createServer((request, response) => {
  request.resume();
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ type: 'message', role: 'assistant', content: [], usage: {} }));
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));

let warnings = 0;
let logged = 0;
console.warn = () => {
  warnings += 1;
};
const count = () => {
  logged += 1;
};
const logger = { error: count, warn: count, info: count, debug: count };
const baseURL = `http://127.0.0.1:${server.address().port}`;
const client = new Anthropic({ apiKey: 'none', baseURL, logLevel: 'off', logger });
const body = { model: 'claude-opus-4-5', max_tokens: 9, messages: [{ role: 'user', content: 'Hi' }] };

async function seen(ask) {
  warnings = 0;
  logged = 0;
  for (let request = 0; request < 3; request += 1) await ask();
  return { warnings, logged };
}

const create = await seen(() => client.messages.create(body));
const post = await seen(() => client.post('/v1/messages', { body }));
server.closeAllConnections();
server.close();
const line = ({ warnings, logged }) => `${warnings} warnings on the console, ${logged} calls of the logger`;
console.log(`messages.create: ${line(create)}`);
console.log(`client.post:     ${line(post)}`);
process.exitCode = create.warnings === 3 && create.logged === 0 && post.warnings === 0 ? 0 : 1;
JS
node seen.mjs
