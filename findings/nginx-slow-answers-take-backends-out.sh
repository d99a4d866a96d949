#!/usr/bin/env bash
# nginx 1.22.1 (Debian 12): two answers that are slow take both healthy backends out of service for ten seconds.
#
# A `proxy_read_timeout` counts as a failed attempt, and one failed attempt (`max_fails=1`, the default) takes a server of
# an `upstream` out for `fail_timeout` (10 s). Two POSTs that the model answers slowly, one on each server, and a GET that
# both would answer at once gets 502 "no live upstreams". With `max_fails=0` it is answered.
#
# Output seen:
#   by default 504 504, then 502; with max_fails=0 504 504, then 200
set -euo pipefail
command -v nginx >/dev/null || { echo 'needs nginx: apt-get install nginx' >&2; exit 2; }
work=$(mktemp -d)
trap 'kill "${node:-}" "${nginx:-}" 2>/dev/null || true; sleep 0.5; rm -rf "$work"' EXIT
chmod 777 "$work"
cd "$work"

cat >backends.mjs <<'EOF'
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';

/** A GET is answered at once, a POST after three seconds. */
const answer = ({ method }, response) => setTimeout(() => response.end('fine'), method === 'POST' ? 3000 : 0);
const servers = [createServer(answer), createServer(answer)];
for (const server of servers) await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
writeFileSync('backends', `${servers.map((server) => server.address().port).join(' ')}\n`);
EOF
node backends.mjs &
node=$!
until [ -s backends ]; do sleep 0.1; done
read -r one two <backends
read -r plain zero <<<"$(node -e '
  const servers = Array.from({ length: 2 }, () => require("node:net").createServer().listen(0));
  setTimeout(() => { console.log(...servers.map((s) => s.address().port)); process.exit(); }, 100)')"
cat >nginx.conf <<EOF
pid $work/pid; daemon off; worker_processes 1; error_log $work/error.log; events {}
http {
  access_log off;
  client_body_temp_path $work/a; proxy_temp_path $work/b; fastcgi_temp_path $work/c; uwsgi_temp_path $work/d; scgi_temp_path $work/e;
  proxy_read_timeout 1s;
  upstream plain { server 127.0.0.1:$one; server 127.0.0.1:$two; }
  upstream zero { server 127.0.0.1:$one max_fails=0; server 127.0.0.1:$two max_fails=0; }
  server { listen 127.0.0.1:$plain; location / { proxy_pass http://plain; } }
  server { listen 127.0.0.1:$zero; location / { proxy_pass http://zero; } }
}
EOF
nginx -p "$work" -c "$work/nginx.conf" -e "$work/error.log" &
nginx=$!
until (exec 3<>"/dev/tcp/127.0.0.1/$zero") 2>/dev/null; do sleep 0.1; done

status() { curl -s -o /dev/null -w '%{http_code}' "$@"; }
statuses() { echo "$(status -d x=1 "$1") $(status -d x=1 "$1"), then $(status "$1")"; }
seen="by default $(statuses "http://127.0.0.1:$plain"); with max_fails=0 $(statuses "http://127.0.0.1:$zero")"
echo "$seen"
[ "$seen" = 'by default 504 504, then 502; with max_fails=0 504 504, then 200' ]
