/**
 * The package `@dash-relay/client` in dist/packages/client, or below the folder that is named: one file per entry with
 * what they share beside it, and declarations. `packages/client/package.json` names the same entries.
 */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { KATEX_LOADERS } from './katex-files.ts';
import { emptyPackage, fillPackage, ROOT } from './package-folder.mjs';
import { writeTypes } from './write-types.mjs';

/** For browsers and apps: nothing of Node, no package. */
const LIBRARY = {
  index: 'src/client/index.ts',
  'ai-service': 'src/client/ai-service.ts',
  upload: 'src/client/upload.ts',
  'react-native': 'src/react-native/index.ts',
  report: 'src/client/report-answer.ts',
  'ai-sdk': 'src/adapters/dash-chat-transport.ts',
  'assistant-ui': 'src/adapters/dash-chat-model.ts',
};
/** The same, whole in itself: what it has in common with the others would cost those who do not use it. */
const APART = { metrics: 'src/client/metrics-reporter.ts' };
/** The same, drawn by the app's own React and React Native; what only browsers draw is loaded when it is needed. */
const INTERFACE = {
  react: 'src/react/index.ts',
  'react.native': 'src/react/index.native.ts',
  'languages/ar': 'src/react/languages/ar.ts',
  'languages/de': 'src/react/languages/de.ts',
  'languages/fr': 'src/react/languages/fr.ts',
};
const PEERS = ['react', 'react/jsx-runtime', 'react-native'];

const folder = await emptyPackage('client', process.argv[2]);
const options = {
  absWorkingDir: ROOT,
  outdir: join(folder, 'dist'),
  bundle: true,
  platform: 'neutral',
  mainFields: ['module', 'main'],
  target: 'es2022',
  format: 'esm',
  logLevel: 'warning',
};
const [{ metafile }] = await Promise.all([
  build({
    ...options,
    entryPoints: { ...LIBRARY, ...INTERFACE },
    external: PEERS,
    jsx: 'automatic',
    loader: KATEX_LOADERS,
    splitting: true, // one DashError for all entries
    metafile: true,
  }),
  build({ ...options, entryPoints: APART }),
]);
for (const file of await readdir(options.outdir, { withFileTypes: true })) {
  if (file.isFile()) await withoutBareImports(join(options.outdir, file.name));
}
const types = join(folder, 'dist/types');
await writeTypes({ entries: Object.values({ ...LIBRARY, ...APART }), project: 'tsconfig.json', out: types });
await writeTypes({ entries: Object.values(INTERFACE), project: 'src/react/tsconfig.json', out: types });
await fillPackage({
  name: 'client',
  folder,
  documents: ['docs/client.md', 'docs/react.md'],
  bundled: metafile,
});

/** Of files that the package says to have no side effects: apps' bundlers would warn that they leave the imports out. */
async function withoutBareImports(file) {
  const text = await readFile(file, 'utf8');
  await writeFile(file, text.replaceAll(/^import "\.\/[^"]+\.js";\n/gm, ''));
}
