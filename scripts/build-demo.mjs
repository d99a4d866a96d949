/**
 * Bundles the demo page into dist/demo/: index.html and, beside it, files named by their content.
 *
 *   node scripts/build-demo.mjs              builds, and fails where that fails
 *   node scripts/build-demo.mjs --if-stale   before `npm start`: builds what is missing or older than its sources, and
 *                                            lets the relay start in any case
 */
import { existsSync } from 'node:fs';
import { glob, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const OUT = join(ROOT, 'dist/demo');
/** What the page is made of. */
const SOURCES = [
  'src/{demo,react,client,protocol}/**',
  'package-lock.json',
  'scripts/{build-demo.mjs,katex-files.ts}',
];
const NAMED_BY_CONTENT = '[name].[hash:8]';

/** Writes dist/demo anew. Where several do so at once the last one wins, whole. */
async function buildDemo() {
  const [{ build }, { default: react }] = await Promise.all([import('vite'), import('@vitejs/plugin-react')]);
  const { katexFiles } = await import('./katex-files.ts');
  const scratch = `${OUT}.${process.pid}`;
  try {
    await build({
      configFile: false,
      root: join(ROOT, 'src/demo'),
      base: '/demo/',
      logLevel: 'warn',
      plugins: [katexFiles(), react()],
      resolve: { alias: { 'react-native': 'react-native-web' } },
      build: {
        outDir: scratch,
        emptyOutDir: true,
        assetsDir: '',
        assetsInlineLimit: 0, // the page's policy has no data: scripts or styles
        modulePreload: false,
        license: { fileName: 'licenses.md' },
        chunkSizeWarningLimit: 1024, // KB
        rolldownOptions: {
          output: {
            entryFileNames: `${NAMED_BY_CONTENT}.js`,
            chunkFileNames: `${NAMED_BY_CONTENT}.js`,
            assetFileNames: `${NAMED_BY_CONTENT}[extname]`,
          },
        },
      },
    });
    await rm(OUT, { recursive: true, force: true });
    await rename(scratch, OUT);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function isStale() {
  const page = join(OUT, 'index.html');
  if (!existsSync(page)) return true;
  const { mtimeMs: builtAt } = await stat(page);
  for await (const path of glob(SOURCES, { cwd: ROOT })) {
    if ((await stat(join(ROOT, path))).mtimeMs > builtAt) return true;
  }
  return false;
}

async function beforeStart() {
  try {
    if (!(await isStale())) return;
    const startedAt = performance.now();
    await buildDemo();
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
    process.stdout.write(`Demo page built in ${seconds} s.\n`);
  } catch (error) {
    const reason =
      error.code === 'ERR_MODULE_NOT_FOUND' ? 'the development packages are not installed' : error.message;
    process.stderr.write(`Demo page not built, the relay does without it: ${reason}\n`);
  }
}

process.env.NODE_ENV = 'production'; // React's, whatever the relay's is
await (process.argv.includes('--if-stale') ? beforeStart() : buildDemo());
