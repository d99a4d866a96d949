/** `dash-relay/react` as it is published, judged from an app. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const EXTERNAL = ['react', 'react/jsx-runtime', 'react-native', 'marked'];
/** Minified and gzipped, the client included, without the packages above. */
const MAX_BYTES = 30 * 1024;

let app: string;
const packaged = (path: string): string => join(app, 'node_modules/dash-relay', path);

beforeAll(async () => {
  app = await mkdtemp(join(tmpdir(), 'dash-relay-react-'));
  await mkdir(packaged(''), { recursive: true });
  await run(process.execPath, [join(ROOT, 'scripts/build-library.mjs'), packaged('dist')]);
  const { exports, type } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
  await writeFile(packaged('package.json'), JSON.stringify({ name: 'dash-relay', type, exports }));
  await mkdir(join(app, 'node_modules/@types'));
  for (const name of ['react', 'react-native', 'marked', 'typescript', 'csstype', '@types/react']) {
    await symlink(join(ROOT, 'node_modules', name), join(app, 'node_modules', name));
  }
});

afterAll(() => rm(app, { recursive: true, force: true }));

it('is small, and leaves React, React Native and the parser of Markdown to the app', async () => {
  const { outputFiles, metafile } = await build({
    entryPoints: [packaged('dist/react/react.js')],
    bundle: true,
    minify: true,
    format: 'esm',
    external: EXTERNAL,
    metafile: true,
    write: false,
  });
  const [bundle] = outputFiles;
  expect(gzipSync(bundle?.contents ?? '').length).toBeLessThanOrEqual(MAX_BYTES);
  const imported = Object.values(metafile.outputs).flatMap(({ imports }) => imports.map(({ path }) => path));
  expect(imported.filter((path) => !EXTERNAL.includes(path))).toEqual([]);
});

it('shares its client with the other entries', async () => {
  const text = await readFile(packaged('dist/react/react.js'), 'utf8');
  expect(text).not.toContain('class DashError');
  expect(text).toMatch(/from "\.\.\/library\/chunk-/);
});

it('is typed for apps, in the strictest settings', async () => {
  await writeFile(join(app, 'app.tsx'), APP);
  await writeFile(
    join(app, 'tsconfig.json'),
    JSON.stringify({ compilerOptions: COMPILER_OPTIONS, files: ['app.tsx'] }),
  );
  const { stdout } = await run(process.execPath, ['node_modules/typescript/bin/tsc', '-p', '.']).catch(
    (error: { stdout: string }) => error,
  );
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
import { createDashClient } from 'dash-relay/client';
import { DashAssistant, DashProvider, useConnection, useConversation, useConversations, useDashStream } from 'dash-relay/react';

const client = createDashClient({ url: 'https://relay.example', getToken: () => null });

function Own() {
  const { messages, send, stop, regenerate, isAnswering } = useConversation('maths', { action: 'homework_help' });
  const { list, unreadCount } = useConversations();
  const { text, status, usage, error, start } = useDashStream();
  const connection: 'online' | 'reconnecting' | 'offline' = useConnection();
  const sent: boolean = send('Why?');
  start({ action: 'chat', messages: [{ role: 'user', content: 'Hi' }] });
  stop();
  regenerate();
  const codes = messages.map((message) => (message.role === 'assistant' ? message.error?.code : message.content));
  return <>{[text, status, usage?.outputTokens, error?.code, connection, String(sent), isAnswering, unreadCount, list[0]?.title, codes]}</>;
}

export const app = (
  <DashProvider client={client} storage={sessionStorage} storageKey="user-1">
    <DashAssistant action="chat" strings={{ send: 'Senden', errors: { busy: '…' } }} colorScheme="dark" direction="rtl" />
    <Own />
  </DashProvider>
);
`;

function run(file: string, args: readonly string[]) {
  return promisify(execFile)(file, args, { cwd: app });
}
