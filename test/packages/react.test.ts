/** `@dash-relay/client/react` as an app gets it: installed from its archive. */
import { execFile } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createProject, linkPackages, PACKED_MS } from './packed.ts';

const EXTERNAL = ['react', 'react/jsx-runtime', 'react-native'];
/** Minified and gzipped, the client included, without the packages above: what a page has before anything is typed. */
const MAX_BYTES = 47 * 1024;
/** What draws conversations, with the parser of Markdown. */
const MAX_TRANSCRIPT_BYTES = 44 * 1024;
/** KaTeX with its style sheet and the fonts that most formulas need. */
const MAX_FORMULA_BYTES = 148 * 1024;
/** highlight.js without a language, and with one: Python. */
const MAX_CODE_BYTES = 11 * 1024;
const MAX_PYTHON_BYTES = 12.5 * 1024;

let app: string;
const packaged = (path: string): string => join(app, 'node_modules/@dash-relay/client', path);

beforeAll(async () => {
  app = await createProject('client');
  await linkPackages(app, 'react', 'react-native', 'typescript', 'csstype', '@types/react');
}, PACKED_MS);

afterAll(() => rm(app, { recursive: true, force: true }));

it('is small, and leaves React and React Native to the app; what formulas and code need comes when they do', async () => {
  const sizes = await sizesOf('dist/react.js');
  expect(sizes.first).toBeLessThanOrEqual(MAX_BYTES);
  expect(sizes.formula).toBeGreaterThan(MAX_BYTES);
  expect(sizes.formula).toBeLessThanOrEqual(MAX_FORMULA_BYTES);
  expect(sizes.code).toBeGreaterThan(0);
  expect(sizes.code).toBeLessThanOrEqual(MAX_CODE_BYTES);
  expect(sizes.python).toBeLessThanOrEqual(MAX_PYTHON_BYTES);
  expect(sizes.transcript).toBeGreaterThan(0);
  expect(sizes.transcript).toBeLessThanOrEqual(MAX_TRANSCRIPT_BYTES);
  const native = await sizesOf('dist/react.native.js');
  expect(native.first).toBeLessThanOrEqual(MAX_BYTES + MAX_TRANSCRIPT_BYTES);
  expect(native.later).toBe(0);
});

interface Sizes {
  /** What a page loads at once. */
  readonly first: number;
  /** With the first question. */
  readonly transcript: number;
  /** With the first formula. */
  readonly formula: number;
  /** With the first code, without its language. */
  readonly code: number;
  /** The same, in Python. */
  readonly python: number;
  /** In all that is loaded when it is needed. */
  readonly later: number;
}

/** Minified and gzipped, as an app's bundler would make files of it. */
async function sizesOf(entry: string): Promise<Sizes> {
  const { outputFiles, metafile } = await build({
    entryPoints: [packaged(entry)],
    outdir: '/',
    bundle: true,
    splitting: true,
    minify: true,
    format: 'esm',
    external: EXTERNAL,
    metafile: true,
    write: false,
    logLevel: 'silent',
  });
  const files = new Map(
    outputFiles.map(({ path, contents }) => [path.split('/').at(-1) ?? '', gzipSync(contents).length]),
  );
  const outputs = Object.entries(metafile.outputs).map(([path, { imports }]) => ({
    name: nameOf(path),
    imports,
  }));
  const foreign = outputs.flatMap(({ imports }) =>
    imports.filter(({ external }) => external).map(({ path }) => path),
  );
  expect(foreign.filter((path) => !EXTERNAL.includes(path))).toEqual([]);
  const loadedBy = (start: string): ReadonlySet<string> => {
    const names = new Set([start]);
    for (const each of names)
      for (const { path, kind } of outputs.find(({ name }) => name === each)?.imports ?? [])
        if (kind === 'import-statement' && files.has(nameOf(path))) names.add(nameOf(path));
    return names;
  };
  const sum = (names: Iterable<string>): number =>
    [...names].reduce((total, name) => total + (files.get(name) ?? 0), 0);
  const first = loadedBy(nameOf(entry));
  /** What is loaded with parts of these names. */
  const later = (...parts: string[]): number => {
    const found = parts.map((part) => [...files.keys()].find((name) => name.startsWith(part)) ?? '');
    const names = new Set(found.flatMap((name) => [...loadedBy(name)]));
    return sum([...names].filter((name) => !first.has(name)));
  };
  return {
    first: sum(first),
    transcript: later('transcript-parts'),
    formula: later('katex-engine'),
    code: later('code-engine'),
    python: later('code-engine', 'python'),
    later: sum([...files.keys()].filter((name) => !first.has(name))),
  };
}

const nameOf = (path: string): string => path.split('/').at(-1) ?? '';

it('shares its client with the other entries', async () => {
  const text = await readFile(packaged('dist/react.js'), 'utf8');
  expect(text).not.toContain('class DashError');
  expect(text).toMatch(/from "\.\/chunk-/);
});

it('is typed for apps, in the strictest settings', async () => {
  await writeFile(join(app, 'app.tsx'), APP);
  await writeFile(
    join(app, 'tsconfig.json'),
    JSON.stringify({ compilerOptions: COMPILER_OPTIONS, files: ['app.tsx'] }),
  );
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['node_modules/typescript/bin/tsc', '-p', '.'],
    { cwd: app },
  ).catch((error: { stdout: string }) => error);
  expect(stdout).toBe('');
});

const COMPILER_OPTIONS = {
  target: 'es2022',
  lib: ['es2022', 'dom'],
  module: 'esnext',
  moduleResolution: 'bundler',
  jsx: 'react-jsx',
  types: [],
  strict: true,
  exactOptionalPropertyTypes: true,
  noEmit: true,
  skipLibCheck: true, // of React Native's own declarations
};

const APP = `
import { createDashClient } from '@dash-relay/client';
import { ARABIC } from '@dash-relay/client/react/languages/ar';
import { FRENCH } from '@dash-relay/client/react/languages/fr';
import { GERMAN } from '@dash-relay/client/react/languages/de';
import { browserFiles, DashAssistant, DashProvider, useAttachments, useConnection, useConversation, useConversations, useDashStream } from '@dash-relay/client/react';

const client = createDashClient({ url: 'https://relay.example', getToken: () => null });
const languages = [ARABIC, FRENCH, GERMAN];

function Own() {
  const { messages, send, stop, regenerate, isAnswering } = useConversation('maths', { action: 'homework_help' });
  const { list, unreadCount } = useConversations();
  const { list: files, add } = useAttachments('maths');
  add(browserFiles([new File([], 'page.jpg')]));
  const { text, status, usage, error, start } = useDashStream();
  const connection: 'online' | 'reconnecting' | 'waiting' | 'offline' = useConnection();
  const sent: boolean = send('Why?');
  start({ action: 'chat', messages: [{ role: 'user', content: 'Hi' }] });
  stop();
  regenerate();
  const codes = messages.map((message) => (message.role === 'assistant' ? message.error?.code : message.content));
  return <>{[text, status, usage?.outputTokens, error?.code, connection, String(sent), isAnswering, unreadCount, list[0]?.title, files[0]?.problem, codes]}</>;
}

export const app = (
  <DashProvider client={client} storage={sessionStorage} storageKey="user-1">
    <DashAssistant action="chat" strings={{ send: 'Senden', errors: { busy: '…' } }} colorScheme="dark" direction="rtl" attachments={{ documents: true, most: 3 }} />
    <DashAssistant languages={languages} locale="ar" onReport={({ streamId, category }) => console.log(streamId, category)} />
    <Own />
  </DashProvider>
);
`;
