#!/usr/bin/env bash
# Node 26.10.0: a request that is answered before all of its body has come emits no `close`, and no `error`, where its client hangs up
# then: its socket alone does. Where it had not been answered yet it emits both. Whoever counts bodies that are on their way, and lets go
# at the request's `close`, counts this one for ever.
#
# Expected: a request emits `close` once nothing more of it can come.
# Seen, when the client has hung up in the middle of the body:
#   not answered: socket close, request error ECONNRESET, request close
#   answered:     socket close
#
# Needs: bash, node, npm. Speaks to the npm registry and to loopback only. Exits 0 while Node behaves so, 1 once it does not.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent node@26.10.0
cat >seen.mjs <<'JS'
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';

async function emitted(isAnswered) {
  const events = new Set();
  const server = createServer((request, response) => {
    request.on('error', ({ code }) => events.add(`request error ${code}`));
    request.on('close', () => events.add('request close'));
    request.socket.on('close', () => events.add('socket close'));
    if (isAnswered) response.writeHead(415).end('no');
    else client.destroy();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect(server.address().port, '127.0.0.1');
  client.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nabc');
  if (isAnswered) {
    await once(client, 'data');
    client.destroy();
  }
  await once(client, 'close');
  await wait(2000);
  server.close();
  return [...events].sort().reverse().join(', ');
}

const [unanswered, answered] = [await emitted(false), await emitted(true)];
console.log(`not answered: ${unanswered}\nanswered:     ${answered}`);
process.exitCode = unanswered === 'socket close, request error ECONNRESET, request close' && answered === 'socket close' ? 0 : 1;
JS
node_modules/.bin/node seen.mjs
