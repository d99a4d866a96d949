/**
 * `npm run bench:compare -- <base commit> [scenario …]`: the working tree beside a base commit in a worktree of its
 * own, and nginx where a scenario has it, taking turns. The harness is this tree's for both.
 */
import { parseArgs } from 'node:util';
import { scenarioNamed } from './options.ts';
import { runProgram } from './program.ts';
import { renderComparison } from './report/comparison.ts';
import { plotsOf } from './report/plots.ts';
import { saveRun } from './report/save.ts';
import { runAll } from './run-all.ts';
import { relaySubject } from './subjects/relay.ts';
import { addWorktree, HERE } from './worktree.ts';

const OUT = new URL('results/compare', import.meta.url).pathname;
const DEFAULT_SCENARIOS = ['cpu-x10', 'cpu-x1', 'latency', 'first-token', 'cancel', 'memory'];
const PEER = 'nginx';
const DEFAULT_REPEATS = '5';
const USAGE = 'npm run bench:compare -- <base commit> [scenario …] [--repeat N]';

await runProgram(async (args) => {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { repeat: { type: 'string', default: DEFAULT_REPEATS } },
  });
  const [base, ...names] = positionals;
  if (base === undefined) throw new Error(USAGE);
  const scenarios = (names.length === 0 ? DEFAULT_SCENARIOS : names).map(scenarioNamed);
  using worktree = addWorktree(base);
  const commit = { entry: 'src/main.ts', nodeOptions: '' };
  const results = await runAll({
    scenarios,
    repeat: Number(values.repeat),
    relays: [
      relaySubject({ ...commit, name: 'tree', directory: HERE }),
      relaySubject({ ...commit, name: 'base', directory: worktree.directory }),
    ],
    bundles: [],
    peers: [PEER],
  });
  const markdown = renderComparison(results, scenarios, ['tree', 'base'], PEER);
  saveRun(OUT, results, markdown, plotsOf(results, scenarios));
  process.stdout.write(`${markdown}\nwritten to ${OUT}\n`);
  return results.failures.length === 0 ? 0 : 1;
});
