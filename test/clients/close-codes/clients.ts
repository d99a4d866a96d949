/** Clients that are in use, each as a program that opens WebSockets and says how they ended. */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { WebSocket } from 'ws';
import { launchChromium } from '../../support/chromium.ts';
import { installOnce } from '../../support/install-once.ts';
import { closeOf } from './close-codes.mjs';
import { ENDINGS, type startClosingServer } from './closing-server.ts';

/** What a client tells its app of an ending. */
export interface ToldClose {
  readonly asked: string;
  /** null: none. */
  readonly code: number | null;
  readonly reason?: string | null;
  /** What it says besides, or instead. */
  readonly error?: string | null;
  /** Python: whether a loop over the messages ends without an exception. */
  readonly silent?: boolean;
}

type ClosingServer = Awaited<ReturnType<typeof startClosingServer>>;
/** Tells of all endings, in their order. */
export type Client = (server: ClosingServer) => Promise<ToldClose[]>;

/** Where Debian's libokhttp-java puts them; DASH_OKHTTP_CLASSPATH names others. */
const OKHTTP = process.env['DASH_OKHTTP_CLASSPATH'] ?? '/usr/share/java/okhttp.jar:/usr/share/java/okio.jar';
/** The system's own: it has the system's packages. */
export const PYTHON = process.env['DASH_PYTHON'] ?? '/usr/bin/python3';
const run = promisify(execFile);
const fileOf = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

export const CLIENTS: Readonly<Record<string, Client>> = {
  Chromium: inChromium,
  Node: ({ url }) => told(process.execPath, [fileOf('close-codes.mjs'), url]),
  ws: async ({ url }) => {
    const all: ToldClose[] = [];
    for (const asked of ENDINGS) all.push(await closeOf(url, asked, WebSocket));
    return all;
  },
  OkHttp: inJava,
  libsoup: ({ url }) => told(PYTHON, [fileOf('libsoup.py'), url]),
  Python: ({ url }) => told(PYTHON, [fileOf('websockets_client.py'), url]),
};

/** Downloads of 60 MB. */
export const MORE_RUNTIMES: Readonly<Record<string, Client>> = {
  Bun: async ({ url }) =>
    told(await installed(/^bun-linux|^bun-darwin/, 'bin/bun'), [fileOf('close-codes.mjs'), url]),
  Deno: async ({ url }) =>
    told(await installed(/glibc$|^darwin/, 'deno'), ['run', '--allow-net', fileOf('close-codes.mjs'), url]),
};

/** Runs a program with all endings as its last arguments. */
async function told(program: string, options: readonly string[]): Promise<ToldClose[]> {
  const { PATH } = process.env;
  const { stdout } = await run(program, [...options, ...ENDINGS], { env: { PATH, LC_ALL: 'C.UTF-8' } });
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as ToldClose);
}

async function inChromium({ url, pageUrl }: ClosingServer): Promise<ToldClose[]> {
  const browser = await launchChromium();
  try {
    const page = await browser.newPage();
    await page.goto(pageUrl);
    const all: ToldClose[] = [];
    for (const asked of ENDINGS) {
      all.push(await page.evaluate(`(${String(closeOf)})(${JSON.stringify(url)}, ${JSON.stringify(asked)})`));
    }
    return all;
  } finally {
    await browser.close();
  }
}

async function inJava({ url }: ClosingServer): Promise<ToldClose[]> {
  const classes = await mkdtemp(join(tmpdir(), 'dash-relay-close-codes-'));
  try {
    await run('javac', ['-encoding', 'UTF-8', '-cp', OKHTTP, '-d', classes, fileOf('CloseCodes.java')]);
    return await told('java', ['-cp', `${OKHTTP}${delimiter}${classes}`, 'CloseCodes', url]);
  } finally {
    await rm(classes, { recursive: true });
  }
}

/** The program of a runtime in the package for this machine: there is one that fits, by its name. */
async function installed(named: RegExp, program: string): Promise<string> {
  const modules = join(await installOnce(new URL('installed/', import.meta.url)), 'node_modules');
  const scope = join(modules, program.includes('bun') ? '@oven' : '@deno');
  const found = (await readdir(scope)).find((name) => named.test(name));
  if (found === undefined) throw new Error(`no package of ${scope} fits this machine`);
  return join(scope, found, program);
}
