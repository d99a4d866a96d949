#!/usr/bin/env bash
# Node 26.10.0: whether a server may hand on the Content-Disposition that its own HTTP client has read depends on the order of
# the headers. Behind Content-Length a file name of letters that are no ASCII throws ERR_INVALID_CHAR; before it, or without it,
# the same value is taken, and comes out as other bytes where the head is flushed ahead of the body.
#
# Expected: a value that node:http has parsed is taken in any order, and written as the bytes that were read.
# Seen, for the value `\xe9\xff` as the client gives it:
#   behind content-length: ERR_INVALID_CHAR
#   before content-length: written as c3a9c3bf
#
# Needs: bash, node, npm. Speaks to the npm registry and to loopback only. Exits 0 while Node behaves so, 1 once it does not.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent node@26.10.0
cat >seen.mjs <<'JS'
import { createServer } from 'node:http';
import { connect } from 'node:net';

const value = '\xe9\xff';
const behind = { 'content-length': '2', 'content-disposition': value };
const before = { 'content-disposition': value, 'content-length': '2' };

async function written(headers) {
  let thrown;
  const server = createServer((_request, response) => {
    try {
      response.writeHead(200, headers);
      response.flushHeaders();
      response.end('{}');
    } catch (error) {
      thrown = error.code;
      response.destroy();
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const socket = connect(server.address().port, '127.0.0.1');
  socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  const parts = [];
  for await (const part of socket) parts.push(part);
  server.close();
  const [, name] = /content-disposition: (.*)\r\n/.exec(Buffer.concat(parts).toString('latin1')) ?? [];
  return thrown ?? `written as ${Buffer.from(name, 'latin1').toString('hex')}`;
}

const seen = [await written(behind), await written(before)];
console.log(`behind content-length: ${seen[0]}\nbefore content-length: ${seen[1]}`);
process.exit(seen[0] === 'ERR_INVALID_CHAR' && seen[1] === 'written as c3a9c3bf' ? 0 : 1);
JS
node_modules/.bin/node seen.mjs
