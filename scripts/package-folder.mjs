/**
 * What a package has beside its code: the manifest with the version of this release, its README, the licences, the
 * documents. `packages/<name>/` holds what is the package's own.
 */
import { existsSync, globSync } from 'node:fs';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..');
/** In every package. */
const DOCUMENTS = ['LICENSE', 'CHANGELOG.md', 'PROTOCOL.md', 'docs/clients-and-close-codes.md'];
/** The folder of a package below some `node_modules/`, scoped or not. */
const PACKAGE_FOLDER = /^.*node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/;

/** The folder of the package `name`, empty. @param parent where packages are built, by default dist/packages */
export async function emptyPackage(name, parent = join(ROOT, 'dist/packages')) {
  const folder = join(resolve(parent), name);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  return folder;
}

/**
 * @param name folder below packages/
 * @param folder of the package that is built
 * @param documents paths from the project's root, which keep their places
 * @param bundled esbuild's metafile: what was bundled leaves its licence
 */
export async function fillPackage({ name, folder, documents, bundled }) {
  const own = join(ROOT, 'packages', name);
  await cp(own, folder, { recursive: true });
  for (const document of [...DOCUMENTS, ...documents]) {
    await cp(join(ROOT, document), join(folder, document), { recursive: true });
  }
  const manifest = await readManifest(own);
  const { version } = await readManifest(ROOT);
  await writeJson(join(folder, 'package.json'), { name: manifest.name, version, ...manifest });
  await writeFile(join(folder, 'THIRD-PARTY-LICENSES.txt'), await licencesOf(bundled));
}

async function licencesOf({ inputs }) {
  const folders = new Set(Object.keys(inputs).flatMap((path) => PACKAGE_FOLDER.exec(path) ?? []));
  const sections = await Promise.all([...folders].sort().map((folder) => licenceOf(join(ROOT, folder))));
  return `This package contains parts of the packages below.\n${[...new Set(sections)].join('')}`;
}

/** @throws Error where a package names no licence */
async function licenceOf(folder) {
  const { name, version, license, author } = await readManifest(folder);
  if (license === undefined) throw new Error(`${name} ${version} names no licence: it cannot be passed on`);
  const [file] = globSync('{LICEN[CS]E,Licen[cs]e,licen[cs]e}*', { cwd: folder });
  const by = author === undefined ? '' : `, by ${author.name ?? author}`;
  const text =
    file === undefined ? `It comes without a text of it${by}.` : await readFile(join(folder, file), 'utf8');
  return `\n${'-'.repeat(80)}\n${name} ${version} (${license})\n\n${text.trim()}\n`;
}

async function readManifest(folder) {
  return JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
}

function writeJson(file, value) {
  return writeFile(file, `${JSON.stringify(value, null, 2)}\n`);
}

/** @throws Error naming what has to be built before */
export function requireBuilt(path, command) {
  if (!existsSync(join(ROOT, path))) throw new Error(`${path} is missing: run \`${command}\` first`);
}
