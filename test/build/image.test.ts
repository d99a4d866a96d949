import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';

const PROJECT = fileURLToPath(new URL('../../', import.meta.url));

it('builds from what the image is given, the demo page included', async () => {
  const image = await mkdtemp(join(tmpdir(), 'dash-relay-image-'));
  onTestFinished(() => rm(image, { recursive: true, force: true }));
  for (const line of (await readFile(join(PROJECT, '.dockerignore'), 'utf8')).split('\n')) {
    const name = /^!(.+)$/.exec(line)?.[1];
    if (name !== undefined) await cp(join(PROJECT, name), join(image, name), { recursive: true });
  }
  await symlink(join(PROJECT, 'node_modules'), join(image, 'node_modules'));
  await promisify(execFile)('npm', ['run', 'build'], { cwd: image });
  expect(await readFile(join(image, 'dist/packages/server/dist/demo/index.html'), 'utf8')).toContain(
    '/demo/index.',
  );
  expect(await readFile(join(image, 'dist/packages/client/dist/index.js'), 'utf8')).toContain(
    'createDashClient',
  );
}, 180_000); // half a minute alone, and far more beside other work
