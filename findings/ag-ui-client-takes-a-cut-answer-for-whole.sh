#!/usr/bin/env bash
# @ag-ui/client 1.0.0 (HttpAgent; Node 20 or later): runAgent() resolves, and no callback says that anything is wrong, where the
# response ends in the middle of a message, without RUN_FINISHED or RUN_ERROR. Proxies end a response so whose server they
# lost. Its verification refuses a RUN_FINISHED while a message is open, and a first event that is no RUN_STARTED, but not an end
# without an end. A run that ends as RUN_ERROR resolves too. So an app that awaits the run shows half an answer as whole; to know, it has to
# watch for onRunFinishedEvent itself.
#
# Expected (guessed before): a response that ends in the middle of a run rejects as one does whose connection is cut, and
# RUN_ERROR rejects with its code.
# Seen:
#   RUN_FINISHED:           resolves with "done", onRunFinishedEvent, "Half an answer."
#   RUN_ERROR:              resolves with undefined, onRunErrorEvent, "Half an"
#   ends inside a message:  resolves with undefined, no callback, "Half an"
#   RUN_FINISHED too early: rejects: Cannot send 'RUN_FINISHED' while text messages are still active: m1
#
# Needs: bash, node, npm. Speaks to the npm registry and to loopback only. Takes half a minute. Exits 0 while it behaves so, 1
# once it does not.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent @ag-ui/client@1.0.0 @ag-ui/core@1.0.0
cat >seen.mjs <<'JS'
import http from 'node:http';
import { HttpAgent } from '@ag-ui/client';

console.error = () => {}; // it prints what it rejects with
const run = { threadId: 't1', runId: 'r1' };
const begun = [
  { type: 'RUN_STARTED', ...run },
  { type: 'TEXT_MESSAGE_START', messageId: 'm1', role: 'assistant' },
  { type: 'TEXT_MESSAGE_CONTENT', messageId: 'm1', delta: 'Half an' },
];
const rest = [
  { type: 'TEXT_MESSAGE_CONTENT', messageId: 'm1', delta: ' answer.' },
  { type: 'TEXT_MESSAGE_END', messageId: 'm1' },
];
const finished = { type: 'RUN_FINISHED', ...run, result: 'done' };
const answers = {
  '/finished': [...begun, ...rest, finished],
  '/error': [...begun, { type: 'RUN_ERROR', message: 'no more', code: 'lost' }],
  '/ends': begun,
  '/early': [...begun, finished],
};
const server = http.createServer((request, response) => {
  request.resume();
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.end(answers[request.url].map((event) => `data: ${JSON.stringify(event)}\n\n`).join(''));
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));

async function seen(path) {
  const url = `http://127.0.0.1:${server.address().port}${path}`;
  const agent = new HttpAgent({ url, threadId: 't1', initialMessages: [{ id: 'q', role: 'user', content: '?' }] });
  const told = [];
  const subscriber = Object.fromEntries(
    ['onRunFinishedEvent', 'onRunErrorEvent', 'onRunFailed'].map((name) => [name, () => void told.push(name)]),
  );
  try {
    const { result } = await agent.runAgent({ runId: 'r1' }, subscriber);
    const text = JSON.stringify(agent.messages.at(-1).content);
    return `resolves with ${JSON.stringify(result)}, ${told.join(', ') || 'no callback'}, ${text}`;
  } catch (error) {
    return `rejects: ${error.message}`;
  }
}

const [whole, failed, ended, early] = [
  await seen('/finished'),
  await seen('/error'),
  await seen('/ends'),
  await seen('/early'),
];
server.closeAllConnections();
server.close();
console.log(`RUN_FINISHED:           ${whole}`);
console.log(`RUN_ERROR:              ${failed}`);
console.log(`ends inside a message:  ${ended}`);
console.log(`RUN_FINISHED too early: ${early}`);
process.exitCode =
  whole === 'resolves with "done", onRunFinishedEvent, "Half an answer."' &&
  failed === 'resolves with undefined, onRunErrorEvent, "Half an"' &&
  ended === 'resolves with undefined, no callback, "Half an"' &&
  early.startsWith("rejects: Cannot send 'RUN_FINISHED' while text messages are still active")
    ? 0
    : 1;
JS
node seen.mjs
