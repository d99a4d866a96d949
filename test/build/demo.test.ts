import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';

const PROJECT = fileURLToPath(new URL('../../', import.meta.url));
const PAGE = '<!doctype html><script type="module" src="./main.tsx"></script>';

/** A project that has the script, and a page as small as it can be. */
async function project({ main, installed = true }: { readonly main: string; readonly installed?: boolean }) {
  const root = await mkdtemp(join(tmpdir(), 'dash-relay-demo-'));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  await mkdir(join(root, 'src/demo'), { recursive: true });
  for (const script of ['build-demo.mjs', 'katex-files.ts'])
    await cp(join(PROJECT, 'scripts', script), join(root, 'scripts', script));
  await writeFile(join(root, 'src/demo/index.html'), PAGE);
  await writeFile(join(root, 'src/demo/main.tsx'), main);
  if (installed) await symlink(join(PROJECT, 'node_modules'), join(root, 'node_modules'));
  return {
    root,
    out: join(root, 'dist/demo'),
    run: (...args: string[]) =>
      new Promise<{ code: number; output: string }>((resolve) => {
        const child = execFile(
          process.execPath,
          [join(root, 'scripts/build-demo.mjs'), ...args],
          (_error, stdout, stderr) => resolve({ code: child.exitCode ?? -1, output: stdout + stderr }),
        );
      }),
  };
}

describe('before a start', () => {
  it('builds the page where there is none, and again when a source is newer', async () => {
    const { root, out, run } = await project({ main: 'document.title = "one";' });
    expect(await run('--if-stale')).toEqual({
      code: 0,
      output: expect.stringMatching(/^Demo page built in [\d.]+ s\.\n$/),
    });
    expect(await readdir(out)).toEqual([
      expect.stringMatching(/^index\.[\w-]{8}\.js$/),
      'index.html',
      'licenses.md',
    ]);
    expect(await run('--if-stale')).toEqual({ code: 0, output: '' });
    const main = join(root, 'src/demo/main.tsx');
    await writeFile(main, 'document.title = "two";');
    const later = new Date(Date.now() + 5000);
    await utimes(main, later, later);
    expect((await run('--if-stale')).output).toMatch(/^Demo page built/);
    const [script = ''] = await readdir(out);
    expect(await readFile(join(out, script), 'utf8')).toContain('two');
  });

  it('says in one line what is missing, and lets the relay start', async () => {
    const { run } = await project({ main: '', installed: false });
    expect(await run('--if-stale')).toEqual({
      code: 0,
      output: 'Demo page not built, the relay does without it: the development packages are not installed\n',
    });
  });

  it('keeps the page that was built before where a source is broken, and lets the relay start', async () => {
    const { root, out, run } = await project({ main: 'document.title = "one";' });
    await run();
    const before = await readdir(out);
    const main = join(root, 'src/demo/main.tsx');
    await writeFile(main, 'const = ;');
    const later = new Date(Date.now() + 5000);
    await utimes(main, later, later);
    const { code, output } = await run('--if-stale');
    expect([code, output]).toEqual([
      0,
      expect.stringMatching(/^Demo page not built, the relay does without it: /m),
    ]);
    expect(await readdir(join(root, 'dist'))).toEqual(['demo']);
    expect(await readdir(out)).toEqual(before);
  });
});

it('fails as a step of the build where it cannot build', async () => {
  const { run } = await project({ main: 'const = ;' });
  expect((await run()).code).toBe(1);
});
