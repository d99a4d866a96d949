/** What an app gets of the installed client: Metro’s bundle, Hermes’ bytecode, types beside React Native’s own. */
import { execFile } from 'node:child_process';
import { mkdir, open, writeFile } from 'node:fs/promises';
import { builtinModules } from 'node:module';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PACKED_MS } from '../packages/packed.ts';
import { LONG, report } from '../support/test-run.ts';
import { installToolchain, ownToolchain, type Toolchain } from './metro-toolchain.ts';
import {
  type Bytecode,
  bundle,
  compile,
  createApp,
  HERMES_MAGIC,
  type NativeApp,
  type Platform,
} from './native-bundle.ts';

const PRINTS = process.env['DASH_PRINT_TABLE'] === '1';
/** Half a minute of work: in every run test/examples bundles and compiles an app of Expo's with the same package. */
const PLATFORMS: readonly Platform[] = LONG ? ['android', 'ios'] : [];
const ENTRIES = ['index', 'ai-service', 'react-native'];
const DIST = 'node_modules/@dash-relay/client/dist';

let app: NativeApp;

beforeAll(async () => {
  app = await createApp();
}, PACKED_MS);
afterAll(() => app?.remove());

describe.each(PLATFORMS)('on %s', (platform) => {
  it('is bundled with React Native and compiled to bytecode', async () => {
    await judgeApp(platform, ownToolchain(), 'app');
    await using installed = await installToolchain();
    await judgeApp(platform, installed, 'app by React Native’s preset');
  }, 300_000); // a minute alone, and far more beside other work
});

async function judgeApp(platform: Platform, toolchain: Toolchain, name: string): Promise<void> {
  const { file, modules, bytes } = await bundle(app.folder, 'index.js', platform, toolchain);
  const code = await compile(file);
  const paths = modules.map(withinApp);
  expect(await magicOf(code)).toBe(HERMES_MAGIC);
  expect(paths).toEqual(
    expect.arrayContaining([
      'ask-screen.tsx',
      'assistant-screen.tsx',
      `${DIST}/react-native.js`,
      `${DIST}/react.native.js`,
    ]),
  );
  expect(paths.some((path) => path.endsWith('/react-native/src/setup-env.js'))).toBe(true);
  expect(modules.filter(isOfNode)).toEqual([]);
  print(`${name}, ${platform}`, { modules: modules.length, bytes, bytecode: code.bytes });
}

it('is bundled alone from its own files, each entry by its place in `exports`', async () => {
  for (const entry of ENTRIES) {
    const source = `${entry}-alone.js`;
    const name = entry === 'index' ? '@dash-relay/client' : `@dash-relay/client/${entry}`;
    await write(source, `import * as entry from '${name}';\nglobalThis.dashRelay = entry;\n`);
    const { file, modules, bytes } = await bundle(app.folder, source, 'android');
    const code = await compile(file);
    const paths = modules.map(withinApp).filter((path) => path !== source);
    expect(paths).toContain(`${DIST}/${entry}.js`);
    expect(paths.filter((path) => !path.startsWith(`${DIST}/`))).toEqual([]);
    print(name, { modules: modules.length, bytes, bytecode: code.bytes });
  }
});

it('has its `exports` read as React Native reads them', async () => {
  await mkdir(join(app.folder, 'node_modules/two-faces'));
  const exports = { '.': { 'react-native': './native.js', default: './other.js' } };
  await write('node_modules/two-faces/package.json', JSON.stringify({ name: 'two-faces', exports }));
  for (const name of ['native', 'other']) await write(`node_modules/two-faces/${name}.js`, '');
  await write('condition.js', "import 'two-faces';");
  const { modules } = await bundle(app.folder, 'condition.js', 'ios');
  expect(modules.map(withinApp)).toContain('node_modules/two-faces/native.js');
  expect(modules.map(withinApp)).not.toContain('node_modules/two-faces/other.js');
});

it.each(['node:crypto', 'stream'])('would not be bundled if it imported %s', async (name) => {
  await write('hidden.js', `import '${name}';`);
  const bundling = bundle(app.folder, 'hidden.js', 'android');
  await expect(bundling).rejects.toThrow(`Unable to resolve module ${name}`);
});

it('is typed beside React Native’s own types', async () => {
  const files = ['ask-screen.tsx', 'assistant-screen.tsx'];
  await write('tsconfig.json', JSON.stringify({ compilerOptions: COMPILER_OPTIONS, files }));
  const checked = await check();
  expect(checked).toBe('');
  await write('wrong.tsx', WRONG);
  await write('tsconfig.json', JSON.stringify({ compilerOptions: COMPILER_OPTIONS, files: ['wrong.tsx'] }));
  const errors = Array.from(
    (await check()).matchAll(/wrong\.tsx\((\d),\d+\): error TS2322/g),
    ([, line]) => line,
  );
  expect(errors).toEqual(['4', '5']);
});

/** As @react-native/typescript-config has them. */
const COMPILER_OPTIONS = {
  target: 'esnext',
  module: 'esnext',
  moduleResolution: 'bundler',
  customConditions: ['react-native'],
  lib: ['es2019', 'es2020.bigint', 'es2020.date', 'es2020.number', 'es2020.promise', 'es2020.string'],
  types: [],
  jsx: 'react-native',
  allowJs: true,
  strict: true,
  isolatedModules: true,
  noEmit: true,
  skipLibCheck: true,
};

const WRONG = `import { createDashClient } from '@dash-relay/client/react-native';
import { AppState, Platform } from 'react-native';
const options = { getToken: () => null, AppState };
createDashClient({ ...options, url: 8787 });
export const system: 'toaster' = Platform.OS;
`;

async function check(): Promise<string> {
  const tsc = promisify(execFile)(process.execPath, ['node_modules/typescript/bin/tsc', '-p', '.'], {
    cwd: app.folder,
  });
  return (await tsc.catch((error: { stdout: string }) => error)).stdout;
}

async function magicOf({ file }: Bytecode): Promise<bigint> {
  await using handle = await open(file);
  const { buffer } = await handle.read(Buffer.alloc(8), 0, 8, 0);
  return buffer.readBigUInt64LE();
}

/** A module of Node itself, or a package that takes the place of one. */
function isOfNode(path: string): boolean {
  const name = path.split('/node_modules/').at(-1)?.split('/')[0] ?? '';
  return builtinModules.includes(name) || /-browserify$|^node-libs/.test(name);
}

function write(path: string, text: string): Promise<void> {
  return writeFile(join(app.folder, path), text);
}

function withinApp(path: string): string {
  return relative(app.folder, path);
}

function print(
  what: string,
  { modules, bytes, bytecode }: Record<'modules' | 'bytes' | 'bytecode', number>,
): void {
  if (PRINTS) report(`${what}: ${modules} modules, ${bytes} B of JavaScript, ${bytecode} B of bytecode`);
}
