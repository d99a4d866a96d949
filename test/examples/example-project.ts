/** Examples as a newcomer has them: outside the checkout, with the packed client and what npm brings. */
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { packed } from '../packages/packed.ts';
import { makeOnce } from '../support/make-once.ts';

export type ExampleName = 'node' | 'ag-ui' | 'python' | 'browser' | 'ai-sdk' | 'assistant-ui' | 'expo-app';

/** What a person has there who tried them. */
const LEFT_BEHIND = /\/(node_modules|dist|\.expo|\.env\.local|__pycache__)$/;
const OPTIONS = ['--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund'];
/** How long what has a lock may take: half a minute alone, more with a slow registry or beside other work. */
export const INSTALLING_MS = 300_000;
const run = promisify(execFile);

/** A copy that goes with the returned object. */
export async function copyExample(name: ExampleName): Promise<{ readonly folder: string } & AsyncDisposable> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), `dash-relay-example-${name}-`)));
  await cp(sourceOf(name), folder, { recursive: true, filter: (path) => !LEFT_BEHIND.test(path) });
  return { folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}

/** The same after `npm install`. What comes from the registry is installed once for all runs. */
export async function installExample(name: Exclude<ExampleName, 'python'>) {
  const archive = await packed('client');
  const installed = await (name === 'expo-app' ? installLocked(name, archive) : installLoose(name, archive));
  const example = await copyExample(name);
  const modules = join(example.folder, 'node_modules');
  await run('cp', ['-al', join(installed, 'node_modules'), modules]);
  await replaceClient(join(modules, '@dash-relay/client'), archive);
  return example;
}

/** As its package.json says, whichever versions that gives today. */
async function installLoose(name: ExampleName, archive: string): Promise<string> {
  const manifest = join(sourceOf(name), 'package.json');
  return await makeOnce(`example-${name}`, await readFile(manifest), async (fresh) => {
    await cp(manifest, join(fresh, 'package.json'));
    await run('npm', ['install', '--no-save', '--no-package-lock', ...OPTIONS, archive], { cwd: fresh });
  });
}

/** By its lock, which names the client that was built two folders above. */
async function installLocked(name: ExampleName, archive: string): Promise<string> {
  const source = sourceOf(name);
  const files = ['package.json', 'package-lock.json', '.npmrc'];
  const texts = await Promise.all(files.map((file) => readFile(join(source, file))));
  const place = `examples/${name}`;
  const made = await makeOnce(`example-${name}`, Buffer.concat(texts), async (fresh) => {
    await replaceClient(join(fresh, 'dist/packages/client'), archive);
    const folder = join(fresh, place);
    for (const file of files) await cp(join(source, file), join(folder, file));
    await run('npm', ['ci', ...OPTIONS], { cwd: folder, timeout: INSTALLING_MS }).catch((cause: Error) => {
      const command = `npm run build && npm --prefix ${place} ci`;
      throw new Error(`unable to install the packages of ${place}; try \`${command}\``, { cause });
    });
  });
  return join(made, place);
}

/** @param folder with the client of another time, or none */
async function replaceClient(folder: string, archive: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await run('tar', ['-xzf', archive, '-C', folder, '--strip-components', '1']);
}

function sourceOf(name: ExampleName): string {
  return fileURLToPath(new URL(`../../examples/${name}`, import.meta.url));
}
