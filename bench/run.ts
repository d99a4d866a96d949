/** `npm run bench`: runs scenarios on subjects, one at a time, and writes what it saw to bench/results/. Linux, loopback only. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { readOptions, USAGE } from './options.ts';
import { runProgram } from './program.ts';
import { plotsOf } from './report/plots.ts';
import { markdownOf, saveRun } from './report/save.ts';
import { renderResults } from './report/table.ts';
import { runAll } from './run-all.ts';
import { relaySubject } from './subjects/relay.ts';

const SOURCE = 'src/main.ts';
const BUNDLE = 'dist/packages/server/dist/main.js';

await runProgram(async (args) => {
  const options = readOptions(args);
  if (options === null) {
    process.stdout.write(USAGE);
    return 0;
  }
  const { scenarios, directory, nodeOptions, out } = options;
  if (scenarios.some(({ subjects }) => subjects.includes('bundle'))) bundle(directory);
  const checkout = { directory, nodeOptions };
  const results = await runAll({
    ...options,
    relays: [relaySubject({ ...checkout, name: 'relay', entry: SOURCE })],
    bundles: [relaySubject({ ...checkout, name: 'bundle', entry: BUNDLE })],
  });
  const plots = plotsOf(results, scenarios);
  const markdown = renderResults(results, scenarios, markdownOf(plots));
  saveRun(out, results, markdown, plots);
  process.stdout.write(`${markdown}\nwritten to ${out}\n`);
  return results.samples.length > 0 ? 0 : 1;
});

/** What the image runs, made of the source that is measured beside it. */
function bundle(directory: string): void {
  for (const script of ['scripts/build-demo.mjs', 'scripts/build-server.mjs']) {
    execFileSync(process.execPath, [join(directory, script)], {
      cwd: directory,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  }
}
