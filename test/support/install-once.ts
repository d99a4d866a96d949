/** Packages that only one test needs: installed from npm once per lock file, outside the checkout. */
import { execFile } from 'node:child_process';
import { copyFile, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { makeOnce } from './make-once.ts';

const OPTIONS = ['--ignore-scripts', '--legacy-peer-deps', '--no-audit', '--no-fund'];

/** How long a test may wait for it, ms. */
export const INSTALL_MS = 180_000;

/** @param folder with package.json and its lock @returns the folder that has node_modules */
export async function installOnce(folder: URL): Promise<string> {
  const files = ['package.json', 'package-lock.json'].map((name) => fileURLToPath(new URL(name, folder)));
  const texts = await Promise.all(files.map((file) => readFile(file)));
  return await makeOnce('installed', Buffer.concat(texts), async (fresh) => {
    for (const file of files) await copyFile(file, join(fresh, basename(file)));
    await promisify(execFile)('npm', ['ci', ...OPTIONS], { cwd: fresh });
  });
}
