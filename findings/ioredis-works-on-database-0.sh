#!/usr/bin/env bash
# ioredis 6.0.0 with Redis 7 (Debian's redis-server; Node 20 or later): a client for a database that the server does not have
# (`db: 99`, or `/99` in the URL, where there are 16) emits one `error` and then is `ready`: `connect()` resolves, and every
# command is answered, from database 0. The client goes on saying that it is in 99 (`options.db`). Who logs `error` as what
# it mostly is, a lost connection that comes back, mixes two applications' keys.
#
# Expected: `connect()` rejects, or no command is sent to another database than the one asked for.
# Seen:
#   events: connect, error "ERR DB index is out of range", ready
#   connect() resolved, status ready, options.db 99
#   set() answered OK, and a client of database 0 reads the key
#
# Needs: bash, node, npm, redis-server. Speaks to the npm registry and to loopback only. Exits 0 while ioredis behaves so, 1
# once it does not.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent ioredis@6.0.0
cat >seen.mjs <<'JS'
import { spawn } from 'node:child_process';
import net from 'node:net';
import Redis from 'ioredis';

const probe = net.createServer().listen(0, '127.0.0.1');
await new Promise((resolve) => probe.once('listening', resolve));
const { port } = probe.address();
await new Promise((resolve) => probe.close(resolve));
const settings = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--databases', '16'];
const server = spawn('redis-server', settings, { stdio: ['ignore', 'pipe', 'inherit'] });
try {
  await new Promise((resolve, reject) => {
    server.once('error', reject);
    server.once('exit', () => reject(new Error('redis-server ended')));
    server.stdout.on('data', (text) => String(text).includes('Ready to accept') && resolve());
  });
  const events = [];
  const lost = new Redis({ host: '127.0.0.1', port, db: 99, lazyConnect: true });
  lost.on('connect', () => events.push('connect'));
  lost.on('error', ({ message }) => events.push(`error "${message}"`));
  lost.on('ready', () => events.push('ready'));
  const connected = await lost.connect().then(() => 'resolved', () => 'rejected');
  const { status, options } = lost;
  const answer = await lost.set('key', 'of database 99');
  const first = new Redis({ host: '127.0.0.1', port, db: 0 });
  const read = await first.get('key');
  lost.disconnect();
  first.disconnect();
  console.log(`events: ${events.join(', ')}`);
  console.log(`connect() ${connected}, status ${status}, options.db ${options.db}`);
  console.log(`set() answered ${answer}, and a client of database 0 reads ${read === 'of database 99' ? 'the key' : 'nothing'}`);
  const isAsSeen =
    events.join() === 'connect,error "ERR DB index is out of range",ready' &&
    connected === 'resolved' && status === 'ready' && options.db === 99 && answer === 'OK' && read === 'of database 99';
  process.exitCode = isAsSeen ? 0 : 1;
} finally {
  server.kill();
}
JS
node seen.mjs
