/**
 * What a package has beside its code: the manifest with the version of this release, its README, the licences, the bill of
 * materials, the documents. `packages/<name>/` holds what is the package's own.
 */
import { existsSync, globSync } from 'node:fs';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BILL_OF_MATERIALS, billOfMaterials } from './bill-of-materials.ts';
import { licenceFault, lockedPackages, PASSED_ON } from './licences.ts';

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
 * @param page the list of licences that a page in the package brings along, as Vite writes it
 * @throws Error naming every part that may not be passed on
 */
export async function fillPackage({ name, folder, documents, bundled, page }) {
  const own = join(ROOT, 'packages', name);
  await cp(own, folder, { recursive: true });
  for (const document of [...DOCUMENTS, ...documents]) {
    await cp(join(ROOT, document), join(folder, document), { recursive: true });
  }
  const manifest = await readManifest(own);
  const { version } = await readManifest(ROOT);
  await writeJson(join(folder, 'package.json'), { name: manifest.name, version, ...manifest });
  const parts = await partsOf(bundled);
  await writeFile(join(folder, 'THIRD-PARTY-LICENSES.txt'), licencesOf(parts));
  const all = await withIntegrity([...parts, ...(page === undefined ? [] : await partsOfPage(page))]);
  requireLicences(all);
  await writeFile(join(folder, BILL_OF_MATERIALS), billOfMaterials({ ...manifest, version }, all));
}

/** The packages that are in a bundle, with the text of their licence, each once. */
async function partsOf({ inputs }) {
  const folders = new Set(Object.keys(inputs).flatMap((path) => PACKAGE_FOLDER.exec(path) ?? []));
  return await Promise.all([...folders].sort().map((folder) => partIn(join(ROOT, folder))));
}

async function partIn(folder) {
  const { name, version, license, author } = await readManifest(folder);
  const [file] = globSync('{LICEN[CS]E,Licen[cs]e,licen[cs]e}*', { cwd: folder });
  const by = author === undefined ? '' : `, by ${author.name ?? author}`;
  const text =
    file === undefined ? `It comes without a text of it${by}.` : await readFile(join(folder, file), 'utf8');
  return { name, version, license, text };
}

function licencesOf(parts) {
  const sections = parts.map(
    ({ name, version, license, text }) =>
      `\n${'-'.repeat(80)}\n${name} ${version} (${license})\n\n${text.trim()}\n`,
  );
  return `This package contains parts of the packages below.\n${[...new Set(sections)].join('')}`;
}

async function partsOfPage(list) {
  const headings = (await readFile(list, 'utf8')).matchAll(/^## (\S+) - (\S+) \((.+)\)$/gm);
  return Array.from(headings, ([, name, version, license]) => ({ name, version, license }));
}

/** Each once, with the digest that the lock has of its archive. */
async function withIntegrity(parts) {
  const lock = await readFile(join(ROOT, 'package-lock.json'), 'utf8');
  const nameOf = ({ name, version }) => `${name} ${version}`;
  const locked = new Map(lockedPackages(lock).map((each) => [nameOf(each), each.integrity]));
  const once = new Map(parts.map((part) => [nameOf(part), part]));
  return [...once].map(([key, { name, version, license }]) => ({
    name,
    version,
    license,
    integrity: locked.get(key),
  }));
}

function requireLicences(parts) {
  const faults = parts.flatMap((part) => licenceFault(part, PASSED_ON) ?? []);
  if (faults.length > 0) throw new Error(faults.join('\n'));
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
