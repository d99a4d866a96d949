/**
 * The server bundled with its packages, one file per program and the parts they share: a bundle starts faster and holds
 * less memory than some thousand modules. What the package has beside it is build-server's.
 */
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Metafile, type Plugin } from 'esbuild';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** `new URL('./file', import.meta.url)`: a file or folder read at run time, relative to the module that names it. */
const ASSET = /new URL\(\s*'(\.[^']+)',\s*import\.meta\.url\s*,?\s*\)/g;

interface ServerBundle {
  /** Paths from the project's root, by the name of their file in the bundle. */
  readonly entryPoints: Readonly<Record<string, string>>;
  /** The folder of the bundle. */
  readonly out: string;
  /** Told the path of a file or folder that is read at run time: the expression by which the bundle finds it. */
  place(path: string): string | Promise<string>;
}

export async function bundleServer({ entryPoints, out, place }: ServerBundle): Promise<Metafile> {
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: { ...entryPoints },
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
    plugins: [assetsAt(place)],
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
  return metafile;
}

function assetsAt(place: ServerBundle['place']): Plugin {
  return {
    name: 'assets',
    setup(bundler) {
      bundler.onLoad({ filter: /\/src\/.*\.ts$/ }, async ({ path }) => {
        const source = await readFile(path, 'utf8');
        const placed = new Map<string, string>();
        for (const [whole, named = ''] of source.matchAll(ASSET))
          placed.set(whole, await place(resolve(dirname(path), named)));
        return { contents: source.replaceAll(ASSET, (whole) => placed.get(whole) ?? whole), loader: 'ts' };
      });
    },
  };
}
