/**
 * The relay's programs as its package has them: bundled, which halves what each start costs. Bundled once per state of the
 * sources; what they read at run time stays in the checkout. From its sources it is started where that is what is tested.
 */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { makeOnce } from './make-once.ts';

/** `main`: the process itself; `cli`: the command `dash-relay`. */
export type Program = 'main' | 'cli';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
let bundled: Promise<string> | undefined;

/** Beside the bundle: what V8 has compiled of it, kept by the processes that end by themselves. A sixth of each start. */
export async function compileCache(): Promise<{ readonly NODE_COMPILE_CACHE: string }> {
  bundled ??= bundle();
  return { NODE_COMPILE_CACHE: join(await bundled, 'compiled') };
}

/** @returns the path of a module to hand to Node; processes run in the root of the checkout, as in a clone */
export async function relayProgram(program: Program): Promise<string> {
  bundled ??= bundle();
  return join(await bundled, `${program}.js`);
}

function bundle(): Promise<string> {
  const files = globSync(['src/**/*.{ts,json}', 'package-lock.json', 'scripts/bundle-server.ts'], {
    cwd: ROOT,
  });
  const texts = files.sort().flatMap((file) => [file, readFileSync(join(ROOT, file), 'utf8')]);
  return makeOnce('bundle', Buffer.from(JSON.stringify([ROOT, ...texts])), async (fresh) => {
    const { bundleServer } = await import('../../scripts/bundle-server.ts');
    await bundleServer({
      entryPoints: { main: 'src/main.ts', cli: 'src/cli.ts' },
      out: fresh,
      place: (file) => `new URL(${JSON.stringify(pathToFileURL(file).href)})`,
    });
  });
}
