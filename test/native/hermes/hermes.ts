/**
 * Hermes, the engine of React Native, as a program: the last one that was published as one. It is older than the one in
 * an app and knows less of the language.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { installOnce } from '../../support/install-once.ts';

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
  const folder = await installOnce(new URL('installed/', import.meta.url));
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

function programName(): string | undefined {
  return PROGRAMS[`${process.platform}-${process.arch}`] ?? PROGRAMS[process.platform];
}
