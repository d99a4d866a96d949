/**
 * `npm run bench:telemetry -- <base commit>`: what telling about itself costs a relay. This tree with its log off, on and
 * sending traces, beside a base commit, all taking turns.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';
import { runProgram } from './program.ts';
import { renderComparison } from './report/comparison.ts';
import { saveRun } from './report/save.ts';
import { runAll } from './run-all.ts';
import { speed10 } from './scenarios/check-speed.ts';
import { firstToken } from './scenarios/first-token.ts';
import { relaySubject } from './subjects/relay.ts';
import { addWorktree, HERE } from './worktree.ts';

const OUT = new URL('results/telemetry', import.meta.url).pathname;
/** CPU of a delta, and of a whole stream of few deltas. */
const SCENARIOS = [speed10, firstToken];
const PAIRS = [
  ['tree', 'base'],
  ['tree', 'silent'],
  ['exporting', 'tree'],
] as const;
const USAGE = 'npm run bench:telemetry -- <base commit> [--repeat N]';

await runProgram(async (args) => {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { repeat: { type: 'string', default: '5' } },
  });
  const [base] = positionals;
  if (base === undefined) throw new Error(USAGE);
  using worktree = addWorktree(base);
  await using collector = await startCollector();
  const commit = { entry: 'src/main.ts', nodeOptions: '' };
  const tree = { ...commit, directory: HERE };
  const results = await runAll({
    scenarios: SCENARIOS,
    repeat: Number(values.repeat),
    relays: [
      relaySubject({ ...tree, name: 'tree' }),
      relaySubject({ ...commit, name: 'base', directory: worktree.directory }),
      relaySubject({ ...tree, name: 'silent', environment: { LOG_LEVEL: 'silent' } }),
      relaySubject({
        ...tree,
        name: 'exporting',
        environment: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_TRACES_EXPORTER: 'otlp' },
      }),
    ],
    bundles: [],
    peers: [],
  });
  if (collector.requests === 0) throw new Error('no trace arrived: nothing was measured of exporting');
  const markdown = PAIRS.map((pair) => renderComparison(results, SCENARIOS, pair)).join('\n');
  saveRun(OUT, results, markdown, []);
  process.stdout.write(`${markdown}\n${collector.requests} requests with spans; written to ${OUT}\n`);
  return results.failures.length === 0 ? 0 : 1;
});

/** Takes spans by OTLP over HTTP, and keeps none: in this process, so that it is none of the relay's CPU. */
async function startCollector() {
  let requests = 0;
  const server = createServer((request, response) => {
    requests += 1;
    request.resume().once('end', () => response.end());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get requests() {
      return requests;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
