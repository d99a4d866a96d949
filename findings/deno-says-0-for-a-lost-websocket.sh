#!/usr/bin/env bash
# Deno 2.9.6: `close` of a WebSocket has code 0, where the standard and other runtimes say 1006.
#
# A connection that is lost without a close frame closes with code 0. So does a close frame with the registered code 1014
# (bad gateway), which Deno takes for a violation, while it delivers 1012 and 1013. Node and Bun say 1006 and 1014.
# Code that compares with 1006 never sees a lost connection in Deno.
#
# Output seen:
#   Deno: lost 0, 1012 1012, 1013 1013, 1014 0
#   Bun: lost 1006, 1012 1012, 1013 1013, 1014 1014
set -euo pipefail
work=$(mktemp -d)
trap 'kill "${server:-}" 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix . deno@2.9.6 @oven/bun-linux-x64@1.4.5 >/dev/null

cat >serve.mjs <<'EOF'
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';

const server = createServer();
server.on('upgrade', ({ headers, url }, socket) => {
  const key = `${headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
  const accept = createHash('sha1').update(key).digest('base64');
  socket.on('error', () => {});
  socket.write(
    `HTTP/1.1 101 OK\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
  const code = Number(url.slice(1));
  if (Number.isNaN(code)) return socket.end();
  socket.write(Buffer.from([0x88, 2, code >> 8, code & 255]));
  socket.once('data', () => socket.end());
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
EOF
cat >ask.mjs <<'EOF'
const told = [];
for (const how of ['lost', 1012, 1013, 1014]) {
  const socket = new WebSocket(`ws://127.0.0.1:${globalThis.Deno?.args[0] ?? process.argv[2]}/${how}`);
  const code = await new Promise((resolve) => (socket.onclose = ({ code }) => resolve(code)));
  told.push(`${how} ${code}`);
}
console.log(told.join(', '));
EOF
node serve.mjs >port &
server=$!
until [ -s port ]; do sleep 0.1; done
deno=$(node_modules/@deno/linux-x64-glibc/deno run --allow-net ask.mjs "$(cat port)")
bun=$(node_modules/@oven/bun-linux-x64/bin/bun ask.mjs "$(cat port)")
printf 'Deno: %s\nBun: %s\n' "$deno" "$bun"
[ "$deno" = 'lost 0, 1012 1012, 1013 1013, 1014 0' ]
[ "$bun" = 'lost 1006, 1012 1012, 1013 1013, 1014 1014' ]
