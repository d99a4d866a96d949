import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';

/** A project of one package that wants a Node which does not exist yet. */
async function projectOfTheFuture(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'install-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  await mkdir(join(directory, 'future'));
  const future = { name: 'future', version: '1.0.0', engines: { node: '>=999' } };
  await writeFile(join(directory, 'future/package.json'), JSON.stringify(future));
  const project = { name: 'project', version: '1.0.0', dependencies: { future: 'file:./future' } };
  await writeFile(join(directory, 'package.json'), JSON.stringify(project));
  return directory;
}

async function install(directory: string): Promise<string> {
  const options = ['install', '--offline', '--no-audit', '--no-fund', '--install-links'];
  // What the npm that runs these tests was told is not what a newcomer's npm is.
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([key]) => !/^npm_config_loglevel$/i.test(key)),
  );
  const { stdout, stderr } = await promisify(execFile)('npm', options, { cwd: directory, env });
  return stdout + stderr;
}

it('says nothing of packages that want another Node than npm runs on: the scripts run them on the pinned one', async () => {
  const directory = await projectOfTheFuture();
  expect(await install(directory)).toContain('EBADENGINE');
  await rm(join(directory, 'node_modules'), { recursive: true });
  await copyFile('.npmrc', join(directory, '.npmrc'));
  const output = await install(directory);
  expect(output).not.toContain('EBADENGINE');
  expect(output).toMatch(/added 1 package/);
});
