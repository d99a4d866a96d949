/** Declarations of modules and of what they name, and of nothing else, as packages have them. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from './package-folder.mjs';

/**
 * @param entries paths from the project's root
 * @param project the tsconfig.json they are checked by
 * @param out `src/a/b.ts` becomes `<out>/a/b.d.ts`
 */
export async function writeTypes({ entries, project, out }) {
  const scratch = await mkdtemp(join(tmpdir(), 'dash-relay-types-'));
  try {
    const emitted = join(scratch, 'types');
    await emit(entries, project, scratch, emitted);
    const todo = entries.map((entry) => entry.replace(/^src\/(.*)\.ts$/, '$1'));
    for (const module of todo) {
      const text = await readFile(join(emitted, `${module}.d.ts`), 'utf8');
      const target = join(out, `${module}.d.ts`);
      await mkdir(dirname(target), { recursive: true });
      await writeFile(target, text.replaceAll(/(['"])(\.[^'"]*)\.tsx?\1/g, "'$2.js'"));
      for (const [, path] of text.matchAll(/['"](\.[^'"]*)\.tsx?['"]/g)) {
        const named = join(dirname(module), path);
        if (!todo.includes(named)) todo.push(named);
      }
    }
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function emit(entries, project, scratch, outDir) {
  const config = join(scratch, 'tsconfig.json');
  const compilerOptions = {
    noEmit: false,
    declaration: true,
    emitDeclarationOnly: true,
    outDir,
    rootDir: join(ROOT, 'src'),
    typeRoots: [join(ROOT, 'node_modules/@types')],
  };
  const files = entries.map((entry) => join(ROOT, entry));
  await writeFile(
    config,
    JSON.stringify({ extends: join(ROOT, project), compilerOptions, files, include: [] }),
  );
  await promisify(execFile)(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', config]);
}
