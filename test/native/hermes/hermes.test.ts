/** The client's own tests in Hermes, with React Native's AbortController, URL and Response around them. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'esbuild';
import { beforeAll, describe, expect, it } from 'vitest';
import { INSTALL_MS } from '../../support/install-once.ts';
import { report } from '../../support/test-run.ts';
import { buildProgram } from '../react-native-program.ts';
import { HERMES_RUNS_HERE, type Hermes, installHermes } from './hermes.ts';

const FILES = ['stream-state', 'exactly-once', 'connection'];

describe.runIf(HERMES_RUNS_HERE)('in Hermes', () => {
  let hermes: Hermes;
  beforeAll(async () => {
    hermes = await installHermes();
  }, INSTALL_MS);

  it.each(FILES)('passes the tests of the client in %s', async (file) => {
    const lines = await hermes.run(await programOf(pathOf(`../../client/${file}.test.ts`)));
    if (process.env['DASH_PRINT_TABLE'] === '1')
      report(`${file}: ${lines.at(-1)} in Hermes ${hermes.version}`);
    expect(lines.filter((line) => line.startsWith('not ok'))).toEqual([]);
    expect(lines.at(-1)).toBe(`ran ${lines.length - 1}`);
    expect(lines.length).toBeGreaterThan(1);
  });

  it('would tell of a test that fails', async () => {
    const failing = `it('adds', () => expect(1 + 1).toEqual(3)); it('rejects', () => Promise.reject(new Error('no')));`;
    const lines = await hermes.run(await buildProgram(`${RUNNER}${failing} runTests();`, 'android'));
    expect(lines).toEqual(['not ok adds: Error: 2 does not equal 3', 'not ok rejects: Error: no', 'ran 2']);
  });
});

const RUNNER = `import { expect, it, runTests } from '${pathOf('test-runner.ts')}';\n`;

/** Names of Node that only the tests use, not the client. */
const testsOfNode: Plugin = {
  name: 'tests of Node',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^vitest$/ }, () => ({ path: pathOf('test-runner.ts') }));
    onResolve({ filter: /^node:fs$/ }, () => ({ path: 'node:fs', namespace: 'read' }));
    onLoad({ filter: /./, namespace: 'read' }, () => {
      const protocol = JSON.stringify(readFileSync(pathOf('../../../PROTOCOL.md'), 'utf8'));
      return { contents: `export const readFileSync = () => ${protocol};` };
    });
  },
};

/** How React Native finds native modules; the client needs none of them. */
const NO_NATIVE_MODULES = 'RN$Bridgeless = true; nativeModuleProxy = {}; __turboModuleProxy = () => null;\n';

async function programOf(test: string): Promise<string> {
  const globals = `
    import 'react-native/Libraries/Core/setUpGlobals';
    import 'react-native/Libraries/Core/setUpXHR';
    Array.prototype.at ??= function (index) { return this[index < 0 ? this.length + index : index]; };
    const headers = { 'content-type': 'application/json' };
    Response.json = (body, init) => new Response(JSON.stringify(body), { ...init, headers });`;
  const entry = `${globals}\n${RUNNER}import '${test}';\nrunTests();`;
  const define = { 'import.meta.url': '"http://tests/client/a.ts"', 'process.env': '{}' };
  return NO_NATIVE_MODULES + (await buildProgram(entry, 'android', { plugins: [testsOfNode], define }));
}

function pathOf(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}
