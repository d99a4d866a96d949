/** `dash-relay` as an operator gets it: installed from its archive, under the Node it is for and under others. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { Validation } from '@cyclonedx/cyclonedx-library';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { SPEC } from '../../scripts/bill-of-materials.ts';
import { createProject, deadLinks, filesOf, nodeOf, PACKED_MS } from './packed.ts';

const { version } = JSON.parse(await readFile('package.json', 'utf8')) as { readonly version: string };

let project: string;
const packaged = (path: string): string => join(project, 'node_modules/dash-relay', path);

beforeAll(async () => {
  project = await createProject('server', 'client');
}, PACKED_MS);

afterAll(() => rm(project, { recursive: true, force: true }));

/** Nothing of this checkout's environment; the Node is the one that is named. */
function environment(node = process.execPath, more: Record<string, string> = {}): Record<string, string> {
  const { PATH, HOME = '' } = process.env;
  return { PATH: `${dirname(node)}:${PATH}`, HOME, DATA_DIR: join(project, 'data'), ...more };
}

interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command as it is typed in the project. */
async function typed(
  [file = '', ...args]: readonly string[],
  env: Record<string, string> = environment(),
): Promise<Finished> {
  return await promisify(execFile)(file, args, { cwd: project, env }).then(
    (done) => ({ code: 0, ...done }),
    (failed: Finished) => failed,
  );
}

const npx = (...args: string[]) => typed(['npx', '--no-install', 'dash-relay', ...args]);
const dashRelay = (...args: string[]) => typed(['node_modules/.bin/dash-relay', ...args]);

interface Bill {
  readonly metadata: { readonly component: object };
  readonly components: readonly {
    readonly group?: string;
    readonly name: string;
    readonly version: string;
    readonly purl?: string;
    readonly licenses?: readonly object[];
    readonly hashes?: readonly object[];
  }[];
}

describe('what is installed', () => {
  it('is the two packages that were asked for, no Node, and nothing of a cache', () => {
    const files = filesOf(join(project, 'node_modules'));
    const others = files.filter((path) => !/^(dash-relay|@dash-relay\/client)\//.test(path));
    expect(others).toEqual(['.package-lock.json']);
    expect(filesOf(join(project, 'node_modules/.bin'))).toEqual([]); // links only
  });

  it('is the bundle, what it reads, documents and licences', () => {
    const known =
      /^dist\/[a-zA-Z-]+(-\w{8})?\.js$|^dist\/types\/[a-z/-]+\.d\.ts$|^dist\/migrations\/(optional\/)?\d{14}_\w+\.sql$|^dist\/demo\/|^docs\//;
    expect(filesOf(packaged('')).filter((path) => !known.test(path))).toEqual([
      'CHANGELOG.md',
      'LICENSE',
      'PROTOCOL.md',
      'README.md',
      'THIRD-PARTY-LICENSES.txt',
      'bin.js',
      'config/actions.json',
      'config/mirror.json',
      'config/models.json',
      'config/plans.json',
      'config/prices.json',
      'dist/checkpoint-worker.mjs',
      'package.json',
      'sbom.cdx.json',
    ]);
  });

  it('passes on the licences of what is bundled, those of the demo page too', async () => {
    const licences = await readFile(packaged('THIRD-PARTY-LICENSES.txt'), 'utf8');
    for (const name of ['fastify', 'pg', 'ioredis', '@anthropic-ai/sdk']) {
      expect(licences).toMatch(new RegExp(`\\n${name} \\d+\\.\\d+\\.\\d+ \\(`));
    }
    expect(await readFile(packaged('dist/demo/licenses.md'), 'utf8')).toContain('## react-dom');
  });

  it('has a bill of materials of what is in it, valid, with digests: of the bundle and of the demo page', async () => {
    const bill = await readFile(packaged('sbom.cdx.json'), 'utf8');
    expect(await new Validation.JsonStrictValidator(SPEC.version).validate(bill)).toBeNull();
    const { metadata, components } = JSON.parse(bill) as Bill;
    expect(metadata.component).toMatchObject({ name: 'dash-relay', version });
    const named = components.map((each) => [each.group, each.name].filter(Boolean).join('/'));
    const licences = await readFile(packaged('THIRD-PARTY-LICENSES.txt'), 'utf8');
    const bundled = Array.from(licences.matchAll(/^-{80}\n(\S+) /gm), ([, name = '']) => name);
    expect(bundled.length).toBeGreaterThan(20);
    expect(named).toEqual(expect.arrayContaining([...bundled, 'react-dom', 'react-native-web']));
    expect(new Set(named.map((name, at) => `${name} ${components[at]?.version}`)).size).toBe(named.length);
    const without = components.filter(({ purl, licenses, hashes }) => !purl || !licenses || !hashes);
    expect(without).toEqual([]);
  });

  it('has documents whose links lead somewhere', async () => {
    expect(await deadLinks(packaged(''))).toEqual([]);
  });
});

describe('the command', () => {
  it.each([['migrate'], ['usage'], ['ask'], ['load'], ['mirror'], ['doctor'], ['start']])(
    '%s says how it is used',
    async (name) => {
      const { code, stdout } = await dashRelay(name, '--help');
      expect(stdout).toContain(`Usage: dash-relay ${name}`);
      expect(code).toBe(0);
    },
  );

  it('lists its subcommands, and says which release it is', async () => {
    const help = await dashRelay('--help');
    expect(help).toMatchObject({ code: 0, stderr: '' });
    expect(help.stdout).toMatch(/start .*\n +doctor .*\n +top .*\n +migrate .*\n +usage .*\n +ask /);
    expect(await dashRelay('--version')).toMatchObject({ code: 0, stdout: `${version}\n` });
  });

  it.each([
    [['strat'], 'There is no command "strat".'],
    [['constructor'], 'There is no command "constructor".'],
    [[], 'Which command?'],
    [['--port', 'start'], "Unknown option '--port'"],
    [['start', '--port=1'], "Unknown option '--port'"],
    [['ask', '--transport', 'pigeon', 'Why?'], '--transport takes websocket, sse, json: pigeon'],
  ])('refuses %j with words and exit code 2', async (args, words) => {
    const { code, stdout, stderr } = await dashRelay(...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(words);
    expect(stderr).toContain('Usage: dash-relay');
  });

  it('lists every setting', async () => {
    const { stdout } = await dashRelay('start', '--help');
    expect(stdout).toMatch(/\n {2}PORT \(8787\)\n {6}Port of the public server/);
    expect(stdout).toMatch(/\n {2}REDIS_URL\n/);
  });

  it.each([20, 22] as const)(
    'says in one sentence that Node %i cannot run it',
    async (major) => {
      const { code, stdout, stderr } = await typed(
        ['node_modules/.bin/dash-relay', 'start'],
        environment(await nodeOf(major)),
      );
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(stderr).toMatch(
        new RegExp(`^dash-relay needs Node 26 \\(26\\.10 or newer\\) and this is v${major}\\..*\\.\\n$`),
      );
    },
    PACKED_MS,
  );
});

it('serves, answers, drains on SIGTERM, and leaves the usage to be read', async () => {
  const { relay, url } = await start('npx', '--no-install', 'dash-relay', 'start');
  expect(await (await fetch(`${url}/readyz`)).json()).toMatchObject({ status: 'ready' });
  const page = await (await fetch(url)).text();
  const [, script = ''] =
    /<script type="module" crossorigin src="(\/demo\/index\.\S+\.js)">/.exec(page) ?? [];
  expect((await fetch(url + script)).status).toBe(200);
  const asked = await typed(
    ['npx', '--no-install', 'dash-relay', 'ask', 'What is 7 × 8?'],
    environment(process.execPath, { DASH_RELAY_URL: url }),
  );
  expect(asked.stdout).toMatch(/56.*\n\ndone over websocket by claude/s);
  await stop(relay);
  const { stdout } = await npx('usage', '--json');
  expect(
    stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)),
  ).toMatchObject([{ status: 'done', simulated: true }]);
  const written = filesOf(packaged('')).filter((path) => !path.startsWith('dist/types/'));
  expect(written.filter((path) => path.includes('cache'))).toEqual([]);
});

it('is the relay in the process of an app’s tests', async () => {
  await writeFile(join(project, 'app-test.js'), APP_TEST);
  expect(await typed(['node', 'app-test.js'])).toEqual({ code: 0, stdout: 'Hello world\n', stderr: '' });
});

const APP_TEST = `
import { createDashClient } from '@dash-relay/client';
import { startTestRelay } from 'dash-relay/testing';
const relay = await startTestRelay();
relay.simulator.script({ deltas: ['Hello ', 'world'] });
const client = createDashClient({ url: relay.url, getToken: () => relay.token() });
const { content } = await client.stream({ action: 'chat', messages: [{ role: 'user', content: 'Hi' }] }).final;
console.log(content);
client.close();
await relay.close();
`;

/** In a group of its own, as a terminal would: signals reach what npx started. */
async function start(file: string, ...args: string[]): Promise<{ relay: ChildProcess; url: string }> {
  const env = environment(process.execPath, { PORT: '0' });
  const relay = spawn(file, args, {
    cwd: project,
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => signal(relay, 'SIGKILL'));
  for await (const line of createInterface({ input: relay.stdout })) {
    const [, url] = /listening on (http:\S+)/.exec(line) ?? [];
    if (url !== undefined) return { relay, url };
  }
  throw new Error('the relay ended before it listened');
}

async function stop(relay: ChildProcess): Promise<void> {
  const closed = once(relay, 'close');
  signal(relay, 'SIGTERM');
  await closed;
}

function signal({ pid, exitCode, signalCode }: ChildProcess, name: NodeJS.Signals): void {
  if (pid !== undefined && exitCode === null && signalCode === null) process.kill(-pid, name);
}
