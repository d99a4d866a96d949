/** Packages that only one test needs: installed from npm once per lock file, outside the checkout. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, copyFile, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const OPTIONS = ['--ignore-scripts', '--legacy-peer-deps', '--no-audit', '--no-fund'];

/** How long a test may wait for it, ms. */
export const INSTALL_MS = 180_000;

/** @param folder with package.json and its lock @returns the folder that has node_modules */
export async function installOnce(folder: URL): Promise<string> {
  const files = ['package.json', 'package-lock.json'].map((name) => fileURLToPath(new URL(name, folder)));
  const texts = await Promise.all(files.map((file) => readFile(file)));
  const hash = createHash('sha256').update(Buffer.concat(texts)).digest('hex').slice(0, 12);
  const installed = join(tmpdir(), `dash-relay-installed-${hash}`);
  if (await isThere(installed)) return installed;
  const fresh = await mkdtemp(join(tmpdir(), 'dash-relay-installing-'));
  try {
    for (const file of files) await copyFile(file, join(fresh, basename(file)));
    await promisify(execFile)('npm', ['ci', ...OPTIONS], { cwd: fresh });
    await rename(fresh, installed);
  } catch (error) {
    await rm(fresh, { recursive: true });
    // Another run may have been faster.
    if (!(await isThere(installed))) throw error;
  }
  return installed;
}

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
