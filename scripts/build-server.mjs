/**
 * The package `dash-relay` in dist/packages/server, or below the folder that is named. The server is bundled with its
 * packages, one file per program and the parts they share: a bundle starts faster and holds less memory than some
 * thousand modules. Running from src/ needs no build.
 */
import { cp, readFile } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { build } from 'esbuild';
import { emptyPackage, fillPackage, ROOT, requireBuilt } from './package-folder.mjs';
import { writeTypes } from './write-types.mjs';

/** `new URL('./file', import.meta.url)`: a file or folder read at run time, relative to the module that names it. */
const ASSET = /new URL\(\s*'(\.[^']+)',\s*import\.meta\.url\s*,?\s*\)/g;
const DOCUMENTS = [
  'actions',
  'caching',
  'client',
  'deploy',
  'identity',
  'load-testing',
  'migrate-from-edge-functions',
  'models',
  'old-functions',
  'postgres',
  'privacy',
  'quota',
  'react',
  'rollout',
  'runbook',
  'security',
  'tools',
  'traces',
];

/**
 * Where a file is found from the bundle: what lies beside src/ keeps its place beside the bundle's folder, such as
 * config/, and what lies in src/ comes into it.
 */
function placeOf(file) {
  const path = relative(ROOT, file);
  return path.startsWith('src/') ? `./${basename(path)}` : `../${path}`;
}

/** Copies what our modules read at run time, and points them there. */
const assets = {
  name: 'assets',
  setup(bundler) {
    bundler.onLoad({ filter: /\/src\/.*\.ts$/ }, async ({ path }) => {
      const source = await readFile(path, 'utf8');
      const assetOf = (named) => resolve(dirname(path), named);
      for (const [, named] of source.matchAll(ASSET)) {
        const file = assetOf(named);
        // The manifest is the package's own.
        if (file !== join(ROOT, 'package.json'))
          await cp(file, join(out, placeOf(file)), { recursive: true });
      }
      const contents = source.replaceAll(
        ASSET,
        (_, named) => `new URL('${placeOf(assetOf(named))}', import.meta.url)`,
      );
      return { contents, loader: 'ts' };
    });
  },
};

requireBuilt('dist/demo/index.html', 'node scripts/build-demo.mjs');
const folder = await emptyPackage('server', process.argv[2]);
const out = join(folder, 'dist');
const { metafile } = await build({
  absWorkingDir: ROOT,
  entryPoints: { cli: 'src/cli.ts', main: 'src/main.ts', testing: 'src/testing/index.ts' },
  outdir: out,
  bundle: true,
  // What is loaded only where it is configured stays in files of its own.
  splitting: true,
  // V8 keeps the whole text, at two bytes a character if a comment has one arrow: 10.7 MB, without comments 3. Names
  // and short lines stay, for stack traces (decision 0014).
  minifyWhitespace: true,
  lineLimit: 160,
  legalComments: 'none', // their texts are in THIRD-PARTY-LICENSES.txt
  platform: 'node',
  target: 'node26',
  format: 'esm',
  plugins: [assets],
  metafile: true,
  // Packages in the older module format still ask for these.
  banner: {
    js: [
      "import { createRequire as createRequire_ } from 'node:module';",
      'const require = createRequire_(import.meta.url);',
      'const { filename: __filename, dirname: __dirname } = import.meta;',
    ].join('\n'),
  },
  logLevel: 'warning',
});
await writeTypes({
  entries: ['src/testing/index.ts'],
  project: 'tsconfig.json',
  out: join(out, 'types'),
});
await fillPackage({
  name: 'server',
  folder,
  documents: [...DOCUMENTS.map((name) => `docs/${name}.md`), 'docs/grafana', 'docs/proxies'],
  bundled: metafile,
  page: join(ROOT, 'dist/demo/licenses.md'),
});
