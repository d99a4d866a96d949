#!/usr/bin/env bash
# A backend whose connection ends in mid-answer: to the client of HAProxy 2.6.12 (over HTTP/2), of Caddy 2.6.2 and of
# nginx 1.22.1 (by default) the answer looks whole. All three as Debian 12 has them.
#
# The answer is chunked, has no end, and the backend's connection is closed behind its first chunk. HAProxy then sends
# END_STREAM over HTTP/2, though over HTTP/1.1 it cuts the connection. Caddy writes the closing chunk. nginx asks backends
# by HTTP/1.0, where the end of the connection is the end of the answer; with `proxy_http_version 1.1` it cuts.
# So the end of an event stream says nothing behind them: the stream needs a last event of its own.
#
# Output seen:
#   haproxy HTTP/2 whole, haproxy HTTP/1.1 cut, caddy HTTP/1.1 whole, nginx by default whole, nginx with 1.1 cut
set -euo pipefail
for program in haproxy nginx caddy; do
  command -v "$program" >/dev/null || { echo "needs $program: apt-get install haproxy nginx caddy" >&2; exit 2; }
done
work=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; sleep 0.5; rm -rf "$work"' EXIT
chmod 777 "$work"
cd "$work"

cat >backend.mjs <<'EOF'
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';

/** One event, and half a second later the end of the connection, as when the process is killed. */
const server = createServer((_request, response) => {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.write('data: first\n\n');
  setTimeout(() => response.socket.destroy(), 500);
});
server.listen(0, '127.0.0.1', () => writeFileSync('backend', String(server.address().port)));
EOF
cat >ask.mjs <<'EOF'
import { get } from 'node:http';
import { connect } from 'node:http2';

const [version, port] = process.argv.slice(2);
const url = `http://127.0.0.1:${port}`;
const answer =
  version === '2' ? connect(url).on('error', () => {}).request({ ':path': '/' }) : await new Promise((resolve) => get(url, { agent: false }, resolve));
let text = '';
answer.on('data', (data) => (text += data));
const how = await new Promise((resolve) => {
  answer.once('end', () => resolve('whole')).once('error', () => resolve('cut'));
});
console.log(text.includes('first') ? how : 'nothing');
process.exit();
EOF
node backend.mjs &
pids+=($!)
until [ -s backend ]; do sleep 0.1; done
backend=127.0.0.1:$(cat backend)
read -r h1 h2 c n d <<<"$(node -e '
  const servers = Array.from({ length: 5 }, () => require("node:net").createServer().listen(0));
  setTimeout(() => { console.log(...servers.map((s) => s.address().port)); process.exit(); }, 100)')"

cat >haproxy.cfg <<EOF
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
listen one
  bind 127.0.0.1:$h1
  server backend $backend
listen two
  bind 127.0.0.1:$h2 proto h2
  server backend $backend
EOF
haproxy -db -f haproxy.cfg 2>/dev/null &
pids+=($!)
printf '{\n\tadmin off\n\tauto_https off\n}\nhttp://127.0.0.1:%s {\n\treverse_proxy %s\n}\n' "$c" "$backend" >Caddyfile
HOME=$work caddy run --adapter caddyfile --config Caddyfile 2>/dev/null &
pids+=($!)
cat >nginx.conf <<EOF
pid $work/pid; daemon off; error_log $work/error.log; events {}
http {
  access_log off;
  client_body_temp_path $work/a; proxy_temp_path $work/b; fastcgi_temp_path $work/c; uwsgi_temp_path $work/d; scgi_temp_path $work/e;
  proxy_buffering off;
  server { listen 127.0.0.1:$n; location / { proxy_pass http://$backend; } }
  server { listen 127.0.0.1:$d; location / { proxy_pass http://$backend; proxy_http_version 1.1; } }
}
EOF
nginx -p "$work" -c "$work/nginx.conf" -e "$work/error.log" &
pids+=($!)
for port in "$h1" "$h2" "$c" "$n" "$d"; do
  until (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do sleep 0.1; done
done

seen="haproxy HTTP/2 $(node ask.mjs 2 "$h2"), haproxy HTTP/1.1 $(node ask.mjs 1 "$h1"), caddy HTTP/1.1 $(node ask.mjs 1 "$c")"
seen="$seen, nginx by default $(node ask.mjs 1 "$n"), nginx with 1.1 $(node ask.mjs 1 "$d")"
echo "$seen"
[ "$seen" = 'haproxy HTTP/2 whole, haproxy HTTP/1.1 cut, caddy HTTP/1.1 whole, nginx by default whole, nginx with 1.1 cut' ]
