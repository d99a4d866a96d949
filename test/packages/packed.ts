/** The packages as `npm pack` makes them, in projects that have nothing of this checkout. */
import { execFile } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, realpath, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { INSTALL_MS, installOnce } from '../support/install-once.ts';
import { makeOnce } from '../support/make-once.ts';

const PACKAGES = ['client', 'server'] as const;
export type PackageName = (typeof PACKAGES)[number];

/** How long a test may wait for packages and Nodes that are not there yet, ms. */
export const PACKED_MS = INSTALL_MS;

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const run = promisify(execFile);

/** @returns the archive, made once per state of its sources */
export async function packed(name: PackageName): Promise<string> {
  return join(await builtImage(), `${name}.tgz`);
}

/** @returns the folder where both packages were built and packed as the image has them built, of what it is given */
export async function builtImage(): Promise<string> {
  const given = await givenToImage();
  const paths = given
    .flatMap((name) => (statSync(join(ROOT, name)).isDirectory() ? filesOf(join(ROOT, name), name) : [name]))
    .sort();
  const texts = await Promise.all(paths.map((path) => readFile(join(ROOT, path))));
  return await makeOnce('image', Buffer.concat([Buffer.from(paths.join('\n')), ...texts]), async (fresh) => {
    for (const name of given) await cp(join(ROOT, name), join(fresh, name), { recursive: true });
    await symlink(join(ROOT, 'node_modules'), join(fresh, 'node_modules'));
    await run('npm', ['run', 'build'], { cwd: fresh });
    for (const name of PACKAGES) await pack(fresh, name);
  });
}

/** Files and folders at the root of the checkout. */
async function givenToImage(): Promise<readonly string[]> {
  const lines = (await readFile(join(ROOT, '.dockerignore'), 'utf8')).split('\n');
  return lines.flatMap((line) => /^!(.+)$/.exec(line)?.[1] ?? []);
}

async function pack(folder: string, name: PackageName): Promise<void> {
  const { stdout } = await run('npm', ['pack', '--silent', '--pack-destination', folder], {
    cwd: join(folder, 'dist/packages', name),
  });
  await rename(join(folder, stdout.trim()), join(folder, `${name}.tgz`));
}

/** An empty project beside all others. @param names what is installed into it */
export async function createProject(...names: PackageName[]): Promise<string> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'dash-relay-project-')));
  try {
    await installPackages(folder, ...names);
  } catch (error) {
    await rm(folder, { recursive: true });
    throw error;
  }
  return folder;
}

/** By npm, from the archives alone: what they would fetch from elsewhere fails. */
export async function installPackages(folder: string, ...names: PackageName[]): Promise<void> {
  const scripts = { 'node-version': 'node --version' };
  await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module', scripts }));
  const archives = await Promise.all(names.map(packed));
  await run('npm', ['install', '--offline', '--no-audit', '--no-fund', ...archives], { cwd: folder });
}

/** Packages that the project has from elsewhere. npm would remove them: it comes first. */
export async function linkPackages(folder: string, ...names: string[]): Promise<void> {
  for (const name of names) {
    const link = join(folder, 'node_modules', name);
    await mkdir(dirname(link), { recursive: true });
    await symlink(join(ROOT, 'node_modules', name), link);
  }
}

/** @returns the program, from npm's packages of Node */
export async function nodeOf(major: 20 | 22): Promise<string> {
  const nodes = await installOnce(new URL('nodes/', import.meta.url));
  return join(nodes, `node_modules/node-${major}-${process.platform}-${process.arch}/bin/node`);
}

/** All files below a folder, hidden ones too, as paths from there. @param named what the paths begin with */
export function filesOf(folder: string, named = ''): string[] {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((each) => each.isFile());
  return files.map((file) => join(named, join(file.parentPath, file.name).slice(folder.length + 1))).sort();
}

/** Links of its documents that lead nowhere. */
export async function deadLinks(folder: string): Promise<string[]> {
  const files = filesOf(folder);
  const dead: string[] = [];
  for (const file of files.filter((path) => path.endsWith('.md') && !path.startsWith('dist/'))) {
    const text = await readFile(join(folder, file), 'utf8');
    for (const [, link = ''] of text.matchAll(/\]\((?![a-z]+:|#)([^)#]+)[^)]*\)/g)) {
      const target = join(dirname(file), link);
      if (!files.some((path) => path === target || path.startsWith(`${target}/`)))
        dead.push(`${file}: ${link}`);
    }
  }
  return dead;
}
