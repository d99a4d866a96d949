/** `npm run check:speed`: the relay beside nginx and the plan's function in the same run, in under two minutes. Judges by ratios alone. */
import { runProgram } from './program.ts';
import { renderResults } from './report/table.ts';
import { runAll } from './run-all.ts';
import { speed1, speed10 } from './scenarios/check-speed.ts';
import { relaySubject } from './subjects/relay.ts';

const HERE = new URL('..', import.meta.url).pathname;
const SCENARIOS = [speed10, speed1];
const REPEATS = 2;

await runProgram(async () => {
  const relay = relaySubject({ name: 'relay', directory: HERE, entry: 'src/main.ts', nodeOptions: '' });
  const results = await runAll({
    scenarios: SCENARIOS,
    repeat: REPEATS,
    relays: [relay],
    bundles: [],
    peers: 'all',
  });
  process.stdout.write(renderResults(results, SCENARIOS));
  return results.failures.some(({ subject }) => subject === 'relay') ? 1 : 0;
});
