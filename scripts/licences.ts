/**
 * Which licences packages may have: those whose parts are in our own packages, and those that only build and test them. No
 * network and no installed package is needed: the lock has the licence of each, by SPDX's names.
 */
import satisfies from 'spdx-satisfies';

/** Ask no more than that their text comes along (THIRD-PARTY-LICENSES.txt). */
export const PASSED_ON: readonly string[] = [
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'CC0-1.0',
  'ISC',
  'MIT',
  'Unlicense',
  'Zlib',
];
/** Beside those: ask something of who passes them on, which nobody does. */
export const DEVELOPED_WITH: readonly string[] = [
  ...PASSED_ON,
  'CC-BY-3.0',
  'CC-BY-4.0',
  'MPL-2.0',
  'Python-2.0',
];

export interface Licensed {
  readonly name: string;
  readonly version: string;
  /** An SPDX expression; undefined where the package names none. */
  readonly license: string | undefined;
}

/** Why a package with that licence may not be used so, and what to do; undefined where it may. */
export function licenceFault(
  { name, version, license }: Licensed,
  allowed: readonly string[],
): string | undefined {
  if (license === undefined)
    return `${name} ${version} names no licence: use another package, or ask its authors`;
  const isPassedOn = allowed === PASSED_ON;
  try {
    if (satisfies(license, [...allowed])) return undefined;
  } catch {
    return `${name} ${version} names "${license}", which is no SPDX expression: read its licence, and use another package where that is not clear`;
  }
  return `${name} ${version} is under ${license}, which may not be ${isPassedOn ? 'passed on in our packages' : 'used here'}: use another package, or, once whoever decides has read it, name it in scripts/licences.ts`;
}

export interface LockedPackage extends Licensed {
  /** From the folder of the lock, as `node_modules/a/node_modules/b`. */
  readonly path: string;
  /** Nothing that we run in production needs it. */
  readonly dev: boolean;
  /** As `sha512-…` of its archive; undefined where it has none. */
  readonly integrity: string | undefined;
}

interface Lock {
  readonly packages?: Readonly<Record<string, LockEntry>>;
}
interface LockEntry {
  readonly name?: string;
  readonly version?: string;
  readonly license?: string;
  readonly dev?: boolean;
  readonly link?: boolean;
  readonly integrity?: string;
}

/** The packages of a `package-lock.json`, without the project itself. */
export function lockedPackages(lock: string): LockedPackage[] {
  const { packages = {} } = JSON.parse(lock) as Lock;
  return Object.entries(packages).flatMap(([path, { name, version = '', license, dev, link, integrity }]) =>
    path === '' || link === true
      ? []
      : { path, name: name ?? nameIn(path), version, license, dev: dev === true, integrity },
  );
}

/** Of `node_modules/a/node_modules/@scope/b` it is `@scope/b`. */
function nameIn(path: string): string {
  return path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
}
