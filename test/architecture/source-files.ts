import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

export interface SourceFile {
  /** From the root of the checkout, with `/`. */
  readonly path: string;
  readonly text: string;
}

export function readProjectFile(path: string): string {
  return readFileSync(`${ROOT}${path}`, 'utf8');
}

/** Every TypeScript, JavaScript, JSON and CSS file of ours below these folders; a folder that does not exist is empty. */
export function sourceFiles(...folders: readonly string[]): SourceFile[] {
  return folders.flatMap((folder) =>
    entries(folder)
      .filter((entry) => entry.isFile() && /\.(tsx?|mjs|js|json|css)$/.test(entry.name))
      .map((entry) => `${entry.parentPath.slice(ROOT.length)}/${entry.name}`)
      .map((path) => ({ path, text: readProjectFile(path) })),
  );
}

function entries(folder: string) {
  try {
    const all = readdirSync(`${ROOT}${folder}`, { recursive: true, withFileTypes: true });
    // What is installed, and what a benchmark wrote here, is not part of the project.
    return all.filter(({ parentPath }) => !/\/node_modules|bench\/results/.test(parentPath));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}
