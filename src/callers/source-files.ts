/** The source of an app: which of its files are read, within bounds. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join, relative, sep } from 'node:path';

export interface SourceFile {
  /** From the folder that was asked for, with `/` between its parts. */
  readonly path: string;
  readonly text: string;
}

const SOURCE = /\.(?:[cm]?[jt]sx?|dart|kt|swift|vue|svelte)$/;
/** Where apps keep addresses. */
const SETTINGS = /^(?:\.env(?:\.[\w.-]+)?|app\.json|eas\.json)$/;
/** Not written by the app's authors, or not run by it. */
const SKIPPED: ReadonlySet<string> = new Set([
  ...['node_modules', 'dist', 'build', 'coverage', 'vendor', 'Pods', 'out'],
  ...['android', 'ios', '__tests__', '__mocks__'],
]);
/** Larger ones are bundles. */
const MAX_BYTES = 1024 * 1024;
const MAX_FILES = 50_000;

/**
 * In the order of their paths. Folders that begin with a dot, and what packages and builds have written, are left out.
 * @param folder of an app, or one file
 * @throws Error where it cannot be read, or is no app's but a whole disk
 */
export function* sourceFiles(folder: string): Generator<SourceFile> {
  if (statSync(folder).isFile()) {
    yield { path: basename(folder), text: readFileSync(folder, 'utf8') };
    return;
  }
  let count = 0;
  for (const file of filesBelow(folder)) {
    count += 1;
    if (count > MAX_FILES)
      throw new Error(`more than ${MAX_FILES} files below ${folder}: name the folder of the app`);
    yield { path: relative(folder, file).split(sep).join('/'), text: readFileSync(file, 'utf8') };
  }
}

/** The old functions themselves call nobody. */
function isSkipped(folder: string, name: string): boolean {
  const isOldFunctions = name === 'functions' && basename(folder) === 'supabase';
  return SKIPPED.has(name) || name.startsWith('.') || isOldFunctions;
}

function isRead(name: string): boolean {
  return SOURCE.test(name) || SETTINGS.test(name);
}

function* filesBelow(folder: string): Generator<string> {
  const entries = readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory() && !isSkipped(folder, entry.name)) yield* filesBelow(path);
    else if (entry.isFile() && isRead(entry.name) && statSync(path).size <= MAX_BYTES) yield path;
  }
}
