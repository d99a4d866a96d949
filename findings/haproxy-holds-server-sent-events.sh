#!/usr/bin/env bash
# HAProxy 2.6.12 (Debian 12) in clear text holds a server-sent event back until the next one comes, up to 200 ms.
#
# A chunk of a chunked answer that is forwarded without TLS leaves with MSG_MORE, and the kernel waits 200 ms for more.
# Events that are written 400 ms apart are each some 200 ms late; `option http-no-delay` sends them at once. Nothing in
# the answer tells: it arrives whole, only later.
#
# Output seen:
#   by default 205 ms late, with http-no-delay 2 ms
set -euo pipefail
command -v haproxy >/dev/null || { echo 'needs haproxy: apt-get install haproxy' >&2; exit 2; }
haproxy -v | grep -q 'version 2\.6\.12' || { echo 'this is about HAProxy 2.6.12' >&2; exit 2; }
work=$(mktemp -d)
trap 'kill "${node:-}" "${proxy:-}" 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"

cat >events.mjs <<'EOF'
import { writeFileSync } from 'node:fs';
import { createServer, get } from 'node:http';

const EVENTS = 6;
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const server = createServer(async (_request, response) => {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  for (let count = 0; count < EVENTS; count += 1) {
    response.write(`data: ${performance.now()}\n\n`);
    await wait(400);
  }
  response.end();
});
server.listen(0, '127.0.0.1', () => writeFileSync('port', String(server.address().port)));

/** Median of how late the events but the first are, ms. */
async function lateness(port) {
  const response = await new Promise((resolve) => get({ port, host: '127.0.0.1' }, resolve));
  const late = [];
  for await (const data of response) late.push(performance.now() - Number(/data: (\S+)/.exec(data)[1]));
  return late.slice(1).toSorted((a, b) => a - b)[2];
}

process.once('SIGUSR2', async () => {
  const held = await lateness(process.argv[2]);
  const prompt = await lateness(process.argv[3]);
  console.log(`by default ${Math.round(held)} ms late, with http-no-delay ${Math.round(prompt)} ms`);
  process.exit(held > 150 && prompt < 100 ? 0 : 1);
});
EOF
read -r held prompt <<<"$(node -e '
  const { createServer } = require("node:net");
  const servers = [createServer().listen(0), createServer().listen(0)];
  setTimeout(() => { console.log(...servers.map((s) => s.address().port)); process.exit(); }, 100)')"
node events.mjs "$held" "$prompt" &
node=$!
until [ -s port ]; do sleep 0.1; done
cat >haproxy.cfg <<EOF
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend held
  bind 127.0.0.1:$held
  default_backend events
frontend prompt
  bind 127.0.0.1:$prompt
  option http-no-delay
  default_backend prompt_events
backend events
  server events 127.0.0.1:$(cat port)
backend prompt_events
  option http-no-delay
  server events 127.0.0.1:$(cat port)
EOF
haproxy -db -f haproxy.cfg 2>/dev/null &
proxy=$!
until (exec 3<>"/dev/tcp/127.0.0.1/$prompt") 2>/dev/null; do sleep 0.1; done
kill -USR2 "$node"
wait "$node"
