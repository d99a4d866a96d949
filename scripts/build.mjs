/**
 * Bundles the server into dist/server/: one file per program and the parts they share, with the files they read beside
 * them. A bundle starts faster and holds less memory than some thousand modules; running from src/ needs no build.
 */
import { existsSync } from 'node:fs';
import { cp, readFile, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const OUT = process.argv[2] === undefined ? join(ROOT, 'dist/server') : resolve(process.argv[2]);

/** `new URL('./file', import.meta.url)`: a file or folder read at run time, relative to the module that names it. */
const ASSET = /new URL\(\s*'(\.[^']+)',\s*import\.meta\.url\s*,?\s*\)/g;

/** Copies what our modules read at run time into the bundle's folder, and points them there. */
const assets = {
  name: 'assets',
  setup(bundler) {
    bundler.onLoad({ filter: /\/src\/.*\.ts$/ }, async ({ path }) => {
      const source = await readFile(path, 'utf8');
      const files = [...source.matchAll(ASSET)].map(([, file]) => resolve(dirname(path), file));
      for (const file of files.filter((each) => existsSync(each))) {
        await cp(file, join(OUT, basename(file)), { recursive: true });
      }
      const contents = source.replaceAll(
        ASSET,
        (_, file) => `new URL('./${basename(file)}', import.meta.url)`,
      );
      return { contents, loader: 'ts' };
    });
  },
};

await rm(OUT, { recursive: true, force: true });
await build({
  absWorkingDir: ROOT,
  entryPoints: {
    main: 'src/main.ts',
    usage: 'src/reports/cli.ts',
    migrate: 'src/postgres/migrate-cli.ts',
    testing: 'src/testing/index.ts',
  },
  outdir: OUT,
  bundle: true,
  // What is loaded only where it is configured stays in files of its own.
  splitting: true,
  // V8 keeps the whole text, at two bytes a character if a comment has one arrow: 10.7 MB, without comments 3. Names
  // and short lines stay, for stack traces (decision 0014).
  minifyWhitespace: true,
  lineLimit: 160,
  legalComments: 'linked',
  platform: 'node',
  target: 'node26',
  format: 'esm',
  plugins: [assets],
  // Packages in the older module format still ask for these.
  banner: {
    js: [
      "import { createRequire as createRequire_ } from 'node:module';",
      'const require = createRequire_(import.meta.url);',
      'const { filename: __filename, dirname: __dirname } = import.meta;',
    ].join('\n'),
  },
  logLevel: 'info',
});
