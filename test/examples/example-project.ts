/** Examples as a newcomer has them: outside the checkout, with the packed client and what npm brings. */
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { packed } from '../packages/packed.ts';
import { makeOnce } from '../support/make-once.ts';

export type ExampleName = 'node' | 'python' | 'browser' | 'expo';

/** What a person has there who tried them. */
const LEFT_BEHIND = /\/(node_modules|dist|\.expo|package-lock\.json|\.env\.local|__pycache__)$/;
const OPTIONS = [
  '--no-save',
  '--no-package-lock',
  '--ignore-scripts',
  '--prefer-offline',
  '--no-audit',
  '--no-fund',
];
const run = promisify(execFile);

/** A copy that goes with the returned object. */
export async function copyExample(name: ExampleName): Promise<{ readonly folder: string } & AsyncDisposable> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), `dash-relay-example-${name}-`)));
  const source = fileURLToPath(new URL(`../../examples/${name}`, import.meta.url));
  await cp(source, folder, { recursive: true, filter: (path) => !LEFT_BEHIND.test(path) });
  return { folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}

/** The same after `npm install`. What comes from the registry is installed once for all runs. */
export async function installExample(name: Exclude<ExampleName, 'python'>) {
  const [example, archive] = await Promise.all([copyExample(name), packed('client')]);
  const manifest = join(example.folder, 'package.json');
  const installed = await makeOnce(`example-${name}`, await readFile(manifest), async (fresh) => {
    await cp(manifest, join(fresh, 'package.json'));
    await run('npm', ['install', ...OPTIONS, archive], { cwd: fresh });
  });
  const modules = join(example.folder, 'node_modules');
  await run('cp', ['-al', join(installed, 'node_modules'), modules]);
  const client = join(modules, '@dash-relay/client');
  await rm(client, { recursive: true });
  await mkdir(client);
  await run('tar', ['-xzf', archive, '-C', client, '--strip-components', '1']);
  return example;
}
