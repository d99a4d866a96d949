import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';

const BUILD = fileURLToPath(new URL('../../scripts/build.mjs', import.meta.url));

let directory: string;
const program = (name: string): string => join(directory, 'server', name);

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'dash-relay-build-'));
  const [code] = await once(node(BUILD, join(directory, 'server')), 'exit');
  expect(code).toBe(0);
});

afterAll(() => rm(directory, { recursive: true, force: true }));

it('starts from the bundle alone, answers, and ends on SIGTERM', async () => {
  const relay = node(program('main.js'));
  const url = await listeningUrl(relay);
  const response = await fetch(`${url}/readyz`);
  expect(await response.json()).toEqual({ status: 'ready' });
  expect(await (await fetch(url)).text()).toMatch(
    /<script type="module" crossorigin src="\/demo\/index\.\S+\.js">/,
  );
  relay.kill('SIGTERM');
  const [code] = await once(relay, 'exit');
  expect(code).toBe(0);
});

it('has the usage command beside it', async () => {
  const usage = node(program('usage.js'), '--help');
  const [code] = await once(usage, 'exit');
  expect(code).toBe(0);
});

/** A run outside the checkout, on a data directory of its own and a free port. */
function node(...args: string[]): ChildProcess {
  const { PATH } = process.env;
  const env = { PATH, HOME: directory, PORT: '0', DATA_DIR: join(directory, 'data') };
  return spawn(process.execPath, args, { cwd: directory, env, stdio: ['ignore', 'pipe', 'inherit'] });
}

async function listeningUrl({ stdout }: ChildProcess): Promise<string> {
  if (stdout === null) throw new Error('no standard output');
  for await (const line of createInterface({ input: stdout })) {
    const url = /listening on (http:\S+)/.exec(line)?.[1];
    if (url !== undefined) return url;
  }
  throw new Error('the relay ended before it listened');
}
