/** `@dash-relay/client` as an app gets it: installed from its archive. */
import { execFile } from 'node:child_process';
import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { build as buildByVite } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestRelay, type TestRelay } from '../../src/testing/index.ts';
import { createProject, deadLinks, filesOf, linkPackages, nodeOf, PACKED_MS } from './packed.ts';

/** Of the entry `.`, minified and gzipped. */
const MAX_GZIPPED_BYTES = 10.5 * 1024;
/** Of the entry `./ai-sdk` with what it has in common with the others; `ai` itself is the app's, and types alone. */
const MAX_AI_SDK_BYTES = 7 * 1024;
/** Of the entry `./assistant-ui`, likewise. */
const MAX_ASSISTANT_UI_BYTES = 6 * 1024;
/** Of all entries; what only pages with formulas or code load is a half of it. */
const MAX_UNPACKED_BYTES = 2_100_000;
const ENTRIES = [
  'index',
  'ai-service',
  'metrics',
  'react-native',
  'upload',
  'report',
  'ai-sdk',
  'assistant-ui',
];
/** A path that each one asks, where it is not that of questions. */
const PATHS: Readonly<Record<string, string>> = {
  metrics: '/v1/client-metrics',
  upload: '/v1/uploads',
  report: '/v1/reports',
  'ai-sdk': '/v1/uploads',
  'assistant-ui': '/v1/uploads',
};

let app: string;
const packaged = (path: string): string => join(app, 'node_modules/@dash-relay/client', path);

beforeAll(async () => {
  app = await createProject('client');
}, PACKED_MS);

afterAll(() => rm(app, { recursive: true, force: true }));

describe('what is installed', () => {
  it('is one package of at most 2.1 MB, and no other', async () => {
    const files = filesOf(join(app, 'node_modules')).filter((path) => path !== '.package-lock.json');
    expect(files.filter((path) => !path.startsWith('@dash-relay/client/'))).toEqual([]);
    const sizes = await Promise.all(files.map((path) => stat(join(app, 'node_modules', path))));
    expect(sizes.reduce((sum, { size }) => sum + size, 0)).toBeLessThanOrEqual(MAX_UNPACKED_BYTES);
  });

  it('is modules, declarations, documents and licences', () => {
    const files = filesOf(packaged(''));
    const known = /^dist\/([a-z./-]+|[\w-]+-\w{8})\.js$|^dist\/types\/[a-z./-]+\.d\.ts$|^docs\/[a-z-]+\.md$/;
    expect(files.filter((path) => !known.test(path))).toEqual([
      'CHANGELOG.md',
      'LICENSE',
      'PROTOCOL.md',
      'README.md',
      'THIRD-PARTY-LICENSES.txt',
      'package.json',
      'sbom.cdx.json',
    ]);
    expect(files).toEqual(expect.arrayContaining([...ENTRIES, 'react'].map((entry) => `dist/${entry}.js`)));
  });

  it('passes on the licence of what is bundled', async () => {
    const licences = await readFile(packaged('THIRD-PARTY-LICENSES.txt'), 'utf8');
    expect(licences).toMatch(/\nmarked \d+\.\d+\.\d+ \(MIT\)\n/);
    expect(licences).toContain('Permission is hereby granted');
    expect(licences).toMatch(/\nkatex \d+\.\d+\.\d+ \(MIT\)\n/);
    expect(licences).toMatch(/\nhighlight\.js \d+\.\d+\.\d+ \(BSD-3-Clause\)\n/);
    expect(licences.match(/^-{80}$/gm)).toHaveLength(3);
  });

  it('has documents whose links lead somewhere', async () => {
    expect(await deadLinks(packaged(''))).toEqual([]);
  });

  it('imports nothing but for React: no module of Node, no package', async () => {
    const files = new Set(ENTRIES.map((entry) => `dist/${entry}.js`));
    for (const file of files) {
      const text = await readFile(packaged(file), 'utf8');
      const imported = text.matchAll(/^(?:import|export)[^'";]*['"]([^'"]+)['"]/gm);
      for (const [, from = ''] of imported) {
        expect(from).toMatch(/^\.\//);
        files.add(join('dist', from)); // and what that imports
      }
      expect(text).not.toMatch(/\bnode:|require\(|\bprocess\.|\bBuffer\b|import\(/);
    }
    expect(files.size).toBeGreaterThan(ENTRIES.length);
  });
});

describe('in Node', () => {
  let relay: TestRelay;
  beforeAll(async () => {
    relay = await startTestRelay();
    relay.simulator.always({ deltas: ['Air ', 'bends ', 'blue ', 'light.'] });
    await writeFile(join(app, 'ask.js'), ASK);
  });
  afterAll(() => relay.close());

  // Node has WebSockets since 22.
  it.each([
    [20, 'sse'],
    [22, 'websocket'],
    [26, 'websocket'],
  ] as const)(
    '%i streams an answer over %s, ends, and is still the Node of the app',
    async (major, transport) => {
      const node = major === 26 ? process.execPath : await nodeOf(major);
      const PATH = `${dirname(node)}:${process.env['PATH']}`;
      const env = { ...process.env, PATH, RELAY_URL: relay.url, TOKEN: await relay.token() };
      const options = { cwd: app, env, timeout: 30_000 };
      const { stdout } = await promisify(execFile)(node, ['ask.js'], options);
      const version = expect.stringMatching(new RegExp(`^v${major}\\.`));
      expect(JSON.parse(stdout)).toEqual({ version, transport, content: 'Air bends blue light.' });
      const ran = await promisify(execFile)('npm', ['run', '--silent', 'node-version'], options);
      expect(ran.stdout.trim()).toEqual(version);
    },
    PACKED_MS,
  );
});

/** The process ends by itself: the client leaves nothing behind. */
const ASK = `
import { createDashClient } from '@dash-relay/client';
const { RELAY_URL: url, TOKEN: token } = process.env;
const client = createDashClient({ url, getToken: () => token });
const stream = client.stream({ action: 'chat', messages: [{ role: 'user', content: 'Why?' }] });
let content = '';
for await (const text of stream) content += text;
const { transport } = await stream.final;
client.close();
console.log(JSON.stringify({ version: process.version, transport, content }));
`;

describe('in a bundle', () => {
  it.each([
    ['index', MAX_GZIPPED_BYTES],
    ['ai-sdk', MAX_AI_SDK_BYTES],
    ['assistant-ui', MAX_ASSISTANT_UI_BYTES],
  ])('%s is at most %i bytes, minified and gzipped', async (entry, most) => {
    const { outputFiles } = await build({
      entryPoints: [packaged(`dist/${entry}.js`)],
      bundle: true,
      minify: true,
      format: 'esm',
      write: false,
    });
    const [bundle] = outputFiles;
    expect(gzipSync(bundle?.contents ?? '').length).toBeLessThanOrEqual(most);
    expect(bundle?.contents.length).toBeGreaterThan(most);
  });

  it.each(ENTRIES)('by Vite has %s where it is used, and nothing of it elsewhere', async (entry) => {
    const name = entry === 'index' ? '@dash-relay/client' : `@dash-relay/client/${entry}`;
    const used = await viteBundle(`import * as all from '${name}'; globalThis.all = all;`);
    expect(used).toContain(PATHS[entry] ?? '/v1/chat');
    expect(await viteBundle(`import '${name}'; globalThis.other = 1;`)).not.toContain('/v1/');
  });
});

async function viteBundle(source: string): Promise<string> {
  await writeFile(join(app, 'entry.js'), source);
  const built = await buildByVite({
    configFile: false,
    root: app,
    logLevel: 'error',
    build: { write: false, rolldownOptions: { input: join(app, 'entry.js') } },
  });
  if (!('output' in built)) throw new Error('Vite watches');
  return built.output.map((file) => (file.type === 'chunk' ? file.code : '')).join('');
}

it('is typed for apps without Node’s types, in the strictest settings', async () => {
  await linkPackages(app, 'typescript');
  await writeFile(join(app, 'app.ts'), APP);
  await writeFile(
    join(app, 'tsconfig.json'),
    JSON.stringify({ compilerOptions: COMPILER_OPTIONS, files: ['app.ts'] }),
  );
  const tsc = ['node_modules/typescript/bin/tsc', '-p', '.'];
  const { stdout } = await promisify(execFile)(process.execPath, tsc, { cwd: app }).catch(
    (error: { stdout: string }) => error,
  );
  expect(stdout).toBe('');
});

const COMPILER_OPTIONS = {
  target: 'es2022',
  lib: ['es2022', 'dom'],
  module: 'esnext',
  moduleResolution: 'bundler',
  types: [],
  strict: true,
  exactOptionalPropertyTypes: true,
  noEmit: true,
  skipLibCheck: false,
};

const APP = `
import { createDashClient, DashError, type Answer, type Phase } from '@dash-relay/client';
import { createAIService } from '@dash-relay/client/ai-service';
import { createMetricsReporter } from '@dash-relay/client/metrics';
import { createDashClient as createNativeClient } from '@dash-relay/client/react-native';
import { upload } from '@dash-relay/client/upload';

const client = createDashClient({ url: 'https://relay.example', getToken: async () => 'token', fetch: window.fetch });
const stream = client.stream({ action: 'chat', messages: [{ role: 'user', content: 'hi' }] }, { onChunk: console.log });
const phase: Phase = stream.phase;
for await (const text of stream) console.log(text.length, phase);
const answer: Answer = await stream.cancel();
console.log(answer.usage.outputTokens);
const { callAIServiceStreaming } = createAIService({ flags: {}, getToken: () => null });
const { content, metadata } = await callAIServiceStreaming({ action: 'chat', messages: [] }, (chunk: string) => chunk);
console.log(content, metadata.transport);
const AppState = { addEventListener: (_: 'change', listener: (state: string) => void) => ({ remove: () => listener('') }) };
const { onMetrics } = createMetricsReporter({ url: '', getToken: () => null, AppState });
const { id } = await upload(client, new Blob([]), { signal: AbortSignal.timeout(1) });
client.stream({ action: 'chat', messages: [{ role: 'user', content: [{ type: 'image', source: { type: 'upload', id } }] }] });
createNativeClient({ url: '', getToken: () => null, platform: 'ios', AppState, onMetrics });
try {
  await stream.final;
} catch (error) {
  if (error instanceof DashError && error.retryable) console.log(error.code, error.retryAfterMs, error.content);
}
export {};
`;
