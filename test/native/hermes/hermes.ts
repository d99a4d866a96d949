/**
 * Hermes, the engine of React Native, as a program: installed from npm once per lock file, outside the checkout. It is
 * the last one published as a program, older than the one in an app, so whatever runs in it runs there too.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFile, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const PROGRAMS: Readonly<Record<string, string>> = {
  'linux-x64': 'linux64-bin/hermes',
  darwin: 'osx-bin/hermes',
};
const run = promisify(execFile);

export interface Hermes {
  readonly version: string;
  /** @returns the lines it printed @throws Error with what it complained of */
  run(program: string): Promise<readonly string[]>;
}

/** Whether Hermes was published for this kind of machine. */
export const HERMES_RUNS_HERE = programName() !== undefined;

export async function installHermes(): Promise<Hermes> {
  const folder = await installed();
  const require = createRequire(join(folder, 'package.json'));
  const hermes = join(folder, 'node_modules/hermes-engine-cli', programName() ?? '');
  const { stdout } = await run(hermes, ['--version']);
  return {
    version: /release version: (\S+)/.exec(stdout)?.[1] ?? '',
    async run(program) {
      const scratch = await mkdtemp(join(tmpdir(), 'dash-relay-hermes-run-'));
      try {
        const file = join(scratch, 'program.js');
        await writeFile(file, compiled(program, require));
        const { stdout } = await run(hermes, ['-Xmicrotask-queue', '-w', file], { maxBuffer: 2 ** 24 });
        return stdout.trim().split('\n');
      } finally {
        await rm(scratch, { recursive: true });
      }
    },
  };
}

/** By React Native's own preset, with the classes of newer Hermes as functions. */
function compiled(program: string, require: NodeJS.Require): string {
  const preset = [
    require.resolve('@react-native/babel-preset'),
    { enableBabelRuntime: false, unstable_transformProfile: 'default' },
  ];
  const options = {
    presets: [preset],
    babelrc: false,
    configFile: false,
    compact: false,
    sourceType: 'script',
  };
  const babel: { transformSync(code: string, options: object): { code: string } } = require('@babel/core');
  return babel.transformSync(program, options).code;
}

async function installed(): Promise<string> {
  const files = ['package.json', 'package-lock.json'].map((name) =>
    fileURLToPath(new URL(`installed/${name}`, import.meta.url)),
  );
  const texts = await Promise.all(files.map((file) => readFile(file)));
  const hash = createHash('sha256').update(Buffer.concat(texts)).digest('hex').slice(0, 12);
  const folder = join(tmpdir(), `dash-relay-hermes-${hash}`);
  if (await isThere(folder)) return folder;
  const fresh = await mkdtemp(join(tmpdir(), 'dash-relay-hermes-install-'));
  for (const file of files) await copyFile(file, join(fresh, basename(file)));
  await run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: fresh });
  // Another run may have been faster.
  await rename(fresh, folder).catch(() => rm(fresh, { recursive: true }));
  return folder;
}

async function isThere(folder: string): Promise<boolean> {
  return await readFile(join(folder, 'package.json')).then(
    () => true,
    () => false,
  );
}

function programName(): string | undefined {
  return PROGRAMS[`${process.platform}-${process.arch}`] ?? PROGRAMS[process.platform];
}
