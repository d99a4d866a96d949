/** The assistant of the installed client, rendered by @testing-library/react-native in its own runner. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { startTestRelay } from '../../../src/testing/index.ts';
import { installPackages } from '../../packages/packed.ts';
import { INSTALL_MS, installOnce } from '../../support/install-once.ts';
import { NODE_MODULES } from '../react-native-source.ts';

const TESTS = fileURLToPath(new URL('.', import.meta.url));
const PACED = { pace: { firstTokenMs: [1, 1], deltasPerSecond: [100, 100] } } as const;
const numbered = (count: number, line: (at: number) => string): string =>
  Array.from({ length: count }, (_, at) => `${line(at)}\n`).join('');
const LONG = [
  `| a | b |\n|---|---|\n${numbered(120, (at) => `| row ${at} | **b** |`)}\n`,
  `\`\`\`js\n${numbered(250, (at) => `line ${at}`)}\`\`\`\n`,
];

it(
  'shows an answer, also a long one, stops one, and tells of one that broke off, that is thought through, and that is declined',
  async () => {
    const app = await realpath(await mkdtemp(join(tmpdir(), 'dash-relay-rendered-')));
    onTestFinished(() => rm(app, { recursive: true }));
    await installPackages(app, 'client');
    const relay = await startTestRelay();
    onTestFinished(() => relay.close());
    relay.simulator.script(
      { ...PACED, deltas: ['**Air** ', 'bends ', 'blue ', 'light.'] },
      { ...PACED, deltas: ['It goes on', ' and on'], broken: { afterDeltas: 2, by: 'stall' } },
      { ...PACED, deltas: ['It breaks', ' off'], broken: { afterDeltas: 2, by: 'error' } },
      { ...PACED, thinking: true, broken: { afterDeltas: 1, by: 'stall' } },
      { ...PACED, deltas: ['First', ' you'], stopReason: 'refusal' },
      { ...PACED, deltas: LONG },
    );
    const results = await runJest(app, { DASH_URL: relay.url, DASH_TOKEN: await relay.token() });
    expect(results.flatMap(({ failureMessages }) => failureMessages)).toEqual([]);
    expect(results.map(({ status }) => status)).toEqual(Array(6).fill('passed'));
    expect(relay.simulator.requests).toHaveLength(6);
  },
  2 * INSTALL_MS, // the packages are built first
);

interface JestResult {
  readonly status: string;
  readonly failureMessages: readonly string[];
}

/** Where a test fails it says so in the results. */
async function runJest(app: string, environment: Record<string, string>): Promise<readonly JestResult[]> {
  const tools = await installOnce(new URL('installed/', import.meta.url));
  const [config, output] = [join(app, 'jest.json'), join(app, 'results.json')];
  await writeFile(config, JSON.stringify(configOf(tools, app)));
  const { PATH } = process.env;
  const jest = [join(tools, 'node_modules/jest/bin/jest.js'), '--config', config, '--ci', '--silent'];
  const more = ['--forceExit', '--json', '--outputFile', output];
  const env = { PATH, NODE_PATH: NODE_MODULES, ...environment };
  await promisify(execFile)(process.execPath, [...jest, ...more], { cwd: tools, env }).catch(() => {});
  const { testResults } = JSON.parse(await readFile(output, 'utf8')) as {
    testResults: readonly { readonly assertionResults: readonly JestResult[] }[];
  };
  return testResults.flatMap(({ assertionResults }) => assertionResults);
}

function configOf(tools: string, app: string): object {
  const packed = join(app, 'node_modules/@dash-relay/client/dist');
  const preset = join(tools, 'node_modules/@react-native/babel-preset');
  const babel = { presets: [[preset, { enableBabelRuntime: false }]], babelrc: false, configFile: false };
  return {
    preset: '@react-native/jest-preset',
    rootDir: tools,
    roots: [TESTS, packed],
    testMatch: [join(TESTS, '*.jest.js')],
    testTimeout: 90_000, // the first one has React Native compiled
    modulePaths: [join(tools, 'node_modules')],
    moduleNameMapper: {
      '^@dash-relay/client/react$': join(packed, 'react.native.js'),
      '^@dash-relay/client/react-native$': join(packed, 'react-native.js'),
    },
    transform: { '\\.[jt]sx?$': ['babel-jest', babel] },
    transformIgnorePatterns: ['node_modules/(?!((jest-)?react-native|@react-native|@dash-relay)/)'],
  };
}
