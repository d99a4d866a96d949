/** The recipes of docs/load-testing.md, as they stand there: autocannon itself, and k6's script with Node in k6's place. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { readProjectFile } from '../architecture/source-files.ts';
import { startSimulatedRelay } from '../support/relay-process.ts';

const run = promisify(execFile);

function recipe(language: string): string {
  const [, text = ''] =
    new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 's').exec(readProjectFile('docs/load-testing.md')) ?? [];
  return text;
}

it('autocannon reads whole answers as events, and as JSON without that line', async () => {
  await using relay = await startSimulatedRelay();
  relay.simulator.always({ deltas: ['Sunlight ', 'scatters.'] });
  const short = recipe('sh').replace('-c 20 -d 10', '-c 2 -a 4 --json --no-progress');
  expect(short).toContain('-a 4');
  const env = { PATH: process.env['PATH'], TOKEN: await relay.token(), RELAY_URL: relay.url };
  for (const command of [short, short.replace(' -H "accept: text/event-stream"', '')]) {
    const { stdout } = await run('sh', ['-c', command], { env });
    expect(JSON.parse(stdout)).toMatchObject({ '2xx': 4, non2xx: 0, errors: 0 });
  }
  const rows = await relay.usageRows();
  expect(rows.map(({ status }) => status)).toEqual(Array(8).fill('done'));
});

it('the script for k6 asks, measures the first token and counts the ending', async () => {
  await using relay = await startSimulatedRelay();
  relay.simulator.always({ deltas: ['Sunlight ', 'scatters.'] });
  const folder = mkdtempSync(join(tmpdir(), 'k6-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'tokens.txt'), `${await relay.token()}\n`);
  writeFileSync(join(folder, 'script.mjs'), recipe('js'));
  writeFileSync(join(folder, 'k6.mjs'), IN_PLACE_OF_K6);
  const env = { RELAY_URL: relay.url.replace('http', 'ws').concat('/v1/ws'), WS: import.meta.resolve('ws') };
  const { stdout } = await run(process.execPath, ['k6.mjs'], { cwd: folder, env });
  expect(stdout.trim().split('\n')).toEqual(['first_token true', 'endings done']);
});

/** The part of k6 that the script uses: modules, globals, a socket that takes headers. */
const IN_PLACE_OF_K6 = `
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';

globalThis.__ENV = process.env;
globalThis.open = (path) => readFileSync(path, 'utf8');
const MODULES = {
  'k6/execution': 'export default { vu: { idInTest: 1 } };',
  'k6/metrics': \`
    export class Trend { constructor(name) { this.name = name; } add(value) { console.log(this.name, value >= 0); } }
    export class Counter { constructor(name) { this.name = name; } add(_, tags) { console.log(this.name, tags.type); } }\`,
  'k6/websockets': \`
    import { WebSocket as Socket } from '\${process.env.WS}';
    export class WebSocket extends Socket { constructor(url, _, params) { super(url, params); } }\`,
};
registerHooks({
  resolve: (name, context, next) =>
    Object.hasOwn(MODULES, name)
      ? { url: 'data:text/javascript,' + encodeURIComponent(MODULES[name]), shortCircuit: true }
      : next(name, context),
});
const { default: iterate } = await import('./script.mjs');
iterate();
`;
