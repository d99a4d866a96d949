/**
 * The package `dash-relay` in dist/packages/server, or below the folder that is named: the bundle, what it reads, types
 * and documents. Running from src/ needs no build.
 */
import { cp } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { bundleServer } from './bundle-server.ts';
import { emptyPackage, fillPackage, ROOT, requireBuilt } from './package-folder.mjs';
import { writeTypes } from './write-types.mjs';

const DOCUMENTS = [
  'actions',
  'answers',
  'caching',
  'choosing',
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
  'webhooks',
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
async function place(file) {
  // The manifest is the package's own.
  if (file !== join(ROOT, 'package.json')) await cp(file, join(out, placeOf(file)), { recursive: true });
  return `new URL('${placeOf(file)}', import.meta.url)`;
}

requireBuilt('dist/demo/index.html', 'node scripts/build-demo.mjs');
const folder = await emptyPackage('server', process.argv[2]);
const out = join(folder, 'dist');
const bundled = await bundleServer({
  entryPoints: { cli: 'src/cli.ts', main: 'src/main.ts', testing: 'src/testing/index.ts' },
  out,
  place,
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
  bundled,
  page: join(ROOT, 'dist/demo/licenses.md'),
});
