#!/usr/bin/env bash
# HAProxy 2.6.12 (Debian 12) with `retry-on all-retryable-errors` sends a POST again that the backend has already taken.
#
# The backend reads the whole POST, works on it and loses the connection before it answers: HAProxy asks again, three
# times (`retries`), and the client sees one failure. What each of them cost is spent four times. By default, without
# `retry-on`, it is asked once.
#
# Output seen:
#   by default asked 1 time, with all-retryable-errors 4 times
set -euo pipefail
command -v haproxy >/dev/null || { echo 'needs haproxy: apt-get install haproxy' >&2; exit 2; }
work=$(mktemp -d)
trap 'kill "${node:-}" "${proxy:-}" 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"

cat >backend.mjs <<'EOF'
import { appendFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';

/** Takes the whole question, and is gone before it answers. */
const server = createServer((request) => {
  request.resume().on('end', () => {
    appendFileSync('asked', request.url + '\n');
    request.socket.destroy();
  });
});
server.listen(0, '127.0.0.1', () => writeFileSync('backend', String(server.address().port)));
EOF
node backend.mjs &
node=$!
until [ -s backend ]; do sleep 0.1; done
read -r plain retrying <<<"$(node -e '
  const servers = Array.from({ length: 2 }, () => require("node:net").createServer().listen(0));
  setTimeout(() => { console.log(...servers.map((s) => s.address().port)); process.exit(); }, 100)')"
cat >haproxy.cfg <<EOF
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
listen plain
  bind 127.0.0.1:$plain
  server backend 127.0.0.1:$(cat backend)
listen retrying
  bind 127.0.0.1:$retrying
  retry-on all-retryable-errors
  server backend 127.0.0.1:$(cat backend)
EOF
haproxy -db -f haproxy.cfg 2>/dev/null &
proxy=$!
until (exec 3<>"/dev/tcp/127.0.0.1/$retrying") 2>/dev/null; do sleep 0.1; done

curl -s -o /dev/null -d question=1 "http://127.0.0.1:$plain/plain"
curl -s -o /dev/null -d question=1 "http://127.0.0.1:$retrying/retrying"
seen="by default asked $(grep -c plain asked) time, with all-retryable-errors $(grep -c retrying asked) times"
echo "$seen"
[ "$seen" = 'by default asked 1 time, with all-retryable-errors 4 times' ]
