/**
 * What apps import: dist/library/*.js, one file per entry with what they share beside it, and dist/types/**.d.ts.
 * `LIBRARY` names the entries; package.json `exports` and a test follow it.
 */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const OUT = resolve(process.argv[2] ?? join(ROOT, 'dist'));

/** For browsers and apps: nothing of Node, no package. */
const LIBRARY = {
  'library/client': 'src/client/index.ts',
  'library/ai-service': 'src/client/ai-service.ts',
  'library/react-native': 'src/react-native/index.ts',
};
/** The same with these packages, which the app brings along or npm installs. */
const INTERFACE = { 'react/react': 'src/react/index.ts' };
const INTERFACE_PACKAGES = ['react', 'react/jsx-runtime', 'react-native', 'marked'];
/** Node only; the program itself is built with the server. */
const TYPES_ONLY = { testing: 'src/testing/index.ts' };

await build({
  absWorkingDir: ROOT,
  entryPoints: { ...LIBRARY, ...INTERFACE },
  outdir: OUT,
  chunkNames: 'library/[name]-[hash]',
  external: INTERFACE_PACKAGES,
  jsx: 'automatic',
  bundle: true,
  splitting: true, // one DashError for all entries
  platform: 'neutral',
  target: 'es2022',
  format: 'esm',
  logLevel: 'warning',
});
await writeTypes([...Object.values(LIBRARY), ...Object.values(TYPES_ONLY)], 'tsconfig.json');
await writeTypes(Object.values(INTERFACE), 'src/react/tsconfig.json');

/** Declarations of these modules and of what they name, and of nothing else. */
async function writeTypes(entries, project) {
  const scratch = await mkdtemp(join(tmpdir(), 'dash-relay-types-'));
  try {
    const emitted = join(scratch, 'types');
    await emit(entries, project, scratch, emitted);
    const todo = entries.map((entry) => entry.replace(/^src\/(.*)\.ts$/, '$1'));
    for (const module of todo) {
      const text = await readFile(join(emitted, `${module}.d.ts`), 'utf8');
      const target = join(OUT, 'types', `${module}.d.ts`);
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
