/** An app with the packed package in it, bundled by Metro and compiled by Hermes’ compiler. */
import { execFile } from 'node:child_process';
import { cp, mkdtemp, realpath, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { installPackages, linkPackages } from '../packages/packed.ts';
import { ownToolchain, type Toolchain } from './metro-toolchain.ts';
import { requireOfReactNative } from './react-native-source.ts';

/** The first bytes of every file that Hermes runs, little-endian. */
export const HERMES_MAGIC = 0x1f1903c103bc1fc6n;

export type Platform = 'android' | 'ios';

export interface NativeApp {
  readonly folder: string;
  remove(): Promise<void>;
}

export interface NativeBundle {
  readonly file: string;
  /** Paths, absolute, without what Metro itself puts in front. */
  readonly modules: readonly string[];
  readonly bytes: number;
}

export interface Bytecode {
  readonly file: string;
  readonly bytes: number;
}

interface MetroConfig {
  readonly serializer: object;
}

interface MetroModule {
  readonly path: string;
  readonly output: readonly { readonly type: string }[];
}

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** What such an app has beside the package. */
const INSTALLED = ['react', 'react-native', 'metro-runtime', '@types/react', 'typescript'];
const HERMESC = { linux: 'linux64-bin/hermesc', darwin: 'osx-bin/hermesc', win32: 'win64-bin/hermesc.exe' };
const run = promisify(execFile);

/** The app of test/native/app beside the client, installed from its archive. */
export async function createApp(): Promise<NativeApp> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'dash-relay-native-')));
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    await cp(join(ROOT, 'test/native/app'), folder, { recursive: true });
    await installPackages(folder, 'client');
    await linkPackages(folder, ...INSTALLED);
  } catch (error) {
    await remove();
    throw error;
  }
  return { folder, remove };
}

/** @throws Error of Metro, for instance where an import cannot be resolved */
export async function bundle(
  folder: string,
  entry: string,
  platform: Platform,
  { configOf, runBuild }: Toolchain = ownToolchain(),
): Promise<NativeBundle> {
  const modules = new Set<string>();
  const file = join(folder, `${entry}.${platform}.js`);
  const config = configOf(folder) as MetroConfig;
  const processModuleFilter = ({ path, output }: MetroModule): boolean => {
    if (output.some(({ type }) => type === 'js/module')) modules.add(path);
    return true;
  };
  const serializer = { ...config.serializer, processModuleFilter };
  await runBuild({ ...config, serializer }, { entry, platform, dev: false, minify: false, out: file });
  return { file, modules: [...modules], bytes: (await stat(file)).size };
}

/** @throws Error with what hermesc printed */
export async function compile(file: string): Promise<Bytecode> {
  const bytecode = `${file}.hbc`;
  const { [process.platform as keyof typeof HERMESC]: program } = HERMESC;
  const hermesc = requireOfReactNative.resolve(`hermes-compiler/hermesc/${program}`);
  await run(hermesc, ['-emit-binary', '-O', '-w', '-out', bytecode, file]);
  return { file: bytecode, bytes: (await stat(bytecode)).size };
}
