#!/usr/bin/env bash
# ai 7.0.173 (AI SDK, `WebSocketChatTransport`; 7.0.135 or later): after a protocol error its documentation says "the connection is
# closed and all active streams are errored". The streams are, the connection is not: the transport calls `close(1011, …)`, which
# every WebSocket of the standard (browsers, Node, Deno, Bun) refuses with InvalidAccessError, since an app may say 1000 or 3000
# to 4999 alone, and swallows that. So the server sees an open, healthy socket, which answers pings, and goes on to send the answers of all other chats to nobody;
# the next message opens a second socket beside it. `ws` for Node allows 1011 and closes.
#
# A server that sends a type or a chunk of a later version meets this: 7.0.149, a patch release, added the finish reason
# "interrupted", and a page that was built before gives up all its chats for it.
#
# Expected: the server is told, by a close, that nobody listens any more.
# Seen:
#   7.0.148, finish reason "interrupted", WebSocket of Node: both chats failed, the socket is open 2 s later, the next message opened another
#   7.0.173, finish reason "interrupted", WebSocket of Node: first chat finished, second goes on, the socket is open
#   7.0.173, unknown frame type,          WebSocket of Node: both chats failed, the socket is open 2 s later, the next message opened another
#   7.0.173, unknown frame type,          WebSocket of ws:   both chats failed, closed with 1011
#
# Needs: bash, node 20 or later, npm. Speaks to the npm registry and to loopback only. Exits 0 while it behaves so, 1 once it does not.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent ai@7.0.173 ai-before@npm:ai@7.0.148 undici@7.16.0 ws@8.23.0 zod@4.6.7
cat >seen.mjs <<'JS'
import { WebSocket as OfNode } from 'undici'; // what Node has built in from 22 on
import { WebSocket as Ws, WebSocketServer } from 'ws';

async function seen(library, constructor, last) {
  const { WebSocketChatTransport } = await import(library);
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  let sockets = 0;
  let closedWith;
  server.on('connection', (socket) => {
    sockets += 1;
    if (sockets === 1) socket.on('close', (code) => (closedWith = code));
    socket.on('message', (data) => {
      const { requestId, id } = JSON.parse(data);
      const send = (frame) => socket.send(JSON.stringify({ requestId, ...frame }));
      send({ type: 'chunk', sequence: 0, chunk: { type: 'start', messageId: id } });
      if (id === 'first') setTimeout(() => last(send), 200);
    });
  });
  await new Promise((resolve) => server.once('listening', resolve));
  const url = `ws://127.0.0.1:${server.address().port}`;
  const transport = new WebSocketChatTransport({ url, webSocket: constructor });
  const messages = [{ id: 'm', role: 'user', parts: [{ type: 'text', text: 'hi' }] }];
  const states = {};
  const ask = async (chatId) => {
    states[chatId] = 'goes on';
    const stream = await transport.sendMessages({ chatId, messages, trigger: 'submit-message' });
    const reader = stream.getReader();
    try {
      while (!(await reader.read()).done);
      states[chatId] = 'finished';
    } catch {
      states[chatId] = 'failed';
    }
  };
  void ask('second');
  void ask('first');
  await new Promise((resolve) => setTimeout(resolve, 2200));
  const { first, second } = states;
  const chats = first === second ? `both chats ${first}` : `first chat ${first}, second ${second}`;
  let socket = closedWith === undefined ? 'the socket is open' : `closed with ${closedWith}`;
  if (closedWith === undefined && first === 'failed') {
    void ask('next');
    await new Promise((resolve) => setTimeout(resolve, 300));
    socket = `the socket is open 2 s later, the next message ${sockets === 2 ? 'opened another' : 'took it'}`;
  }
  for (const each of server.clients) each.terminate();
  server.close();
  return `${chats}, ${socket}`;
}

const interrupted = (send) => {
  send({ type: 'chunk', sequence: 1, chunk: { type: 'finish', finishReason: 'interrupted' } });
  send({ type: 'end' });
};
const unknown = (send) => send({ type: 'usage' });
console.log(`7.0.148, finish reason "interrupted", WebSocket of Node: ${await seen('ai-before', OfNode, interrupted)}`);
console.log(`7.0.173, finish reason "interrupted", WebSocket of Node: ${await seen('ai', OfNode, interrupted)}`);
console.log(`7.0.173, unknown frame type,          WebSocket of Node: ${await seen('ai', OfNode, unknown)}`);
console.log(`7.0.173, unknown frame type,          WebSocket of ws:   ${await seen('ai', Ws, unknown)}`);
process.exit(0);
JS
node seen.mjs | tee seen
lost='both chats failed, the socket is open 2 s later, the next message opened another'
diff seen - <<TEXT
7.0.148, finish reason "interrupted", WebSocket of Node: $lost
7.0.173, finish reason "interrupted", WebSocket of Node: first chat finished, second goes on, the socket is open
7.0.173, unknown frame type,          WebSocket of Node: $lost
7.0.173, unknown frame type,          WebSocket of ws:   both chats failed, closed with 1011
TEXT
