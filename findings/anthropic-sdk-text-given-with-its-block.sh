#!/usr/bin/env bash
# @anthropic-ai/sdk 1.14.0 (Node 20 or later): text that a stream gives inside `content_block_start` is in the final message,
# but no `text` event ever tells of it. Who shows a stream by `.on('text')` shows less than `finalMessage()` holds, and no
# error says so.
#
# Expected: the pieces of the `text` events joined are the text of the final message.
# Seen:
#   events: "B"
#   final:  "AB"
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

const event = (data) => `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;
const message = { id: 'msg_1', type: 'message', role: 'assistant', model: 'claude-haiku-5-5', content: [] };
const usage = { input_tokens: 5, output_tokens: 1 };
const body = [
  { type: 'message_start', message: { ...message, stop_reason: null, stop_sequence: null, usage } },
  { type: 'content_block_start', index: 0, content_block: { type: 'text', text: 'A' } },
  { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'B' } },
  { type: 'content_block_stop', index: 0 },
  { type: 'message_delta', delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: { output_tokens: 2 } },
  { type: 'message_stop' },
].map(event).join('');
const server = http.createServer((request, response) => {
  request.resume();
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.end(body);
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const baseURL = `http://127.0.0.1:${server.address().port}`;
const client = new Anthropic({ apiKey: 'none', baseURL, maxRetries: 0, logLevel: 'off' });
const stream = client.messages.stream({
  model: 'claude-haiku-5-5',
  max_tokens: 9,
  messages: [{ role: 'user', content: 'Say AB' }],
});
let events = '';
stream.on('text', (text) => {
  events += text;
});
const final = await stream.finalText();
server.closeAllConnections();
server.close();
console.log(`events: ${JSON.stringify(events)}\nfinal:  ${JSON.stringify(final)}`);
process.exitCode = events === 'B' && final === 'AB' ? 0 : 1;
JS
node seen.mjs
