/** What apps get: built as it is published, judged without anything of this checkout. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const MAX_BYTES = 9 * 1024;
const ENTRIES = ['client', 'ai-service', 'react-native'];

let app: string;
const packaged = (path: string): string => join(app, 'node_modules/dash-relay', path);

beforeAll(async () => {
  app = await mkdtemp(join(tmpdir(), 'dash-relay-app-'));
  await mkdir(packaged(''), { recursive: true });
  await run(process.execPath, [join(ROOT, 'scripts/build-library.mjs'), packaged('dist')]);
  const exports = Object.fromEntries(
    [
      ['client', 'client/index'],
      ['ai-service', 'client/ai-service'],
      ['react-native', 'react-native/index'],
    ].map(([entry, types]) => [
      `./${entry}`,
      { types: `./dist/types/${types}.d.ts`, default: `./dist/library/${entry}.js` },
    ]),
  );
  await writeFile(packaged('package.json'), JSON.stringify({ name: 'dash-relay', type: 'module', exports }));
}, 60_000);

afterAll(() => rm(app, { recursive: true, force: true }));

describe('dash-relay/client', () => {
  it('is at most 9 KB, minified and gzipped', async () => {
    const { outputFiles } = await build({
      entryPoints: [packaged('dist/library/client.js')],
      bundle: true,
      minify: true,
      format: 'esm',
      write: false,
    });
    const [bundle] = outputFiles;
    expect(gzipSync(bundle?.contents ?? '').length).toBeLessThanOrEqual(MAX_BYTES);
    expect(bundle?.contents.length).toBeGreaterThan(MAX_BYTES);
  });
});

it('imports nothing: no module of Node, no package', async () => {
  const files = await readdir(packaged('dist/library'));
  for (const file of files) {
    const text = await readFile(packaged(`dist/library/${file}`), 'utf8');
    const imported = Array.from(
      text.matchAll(/^(?:import|export)[^'";]*['"]([^'"]+)['"]/gm),
      ([, from]) => from,
    );
    for (const from of imported) expect(from).toMatch(/^\.\//);
    expect(text).not.toMatch(/\bnode:|require\(|\bprocess\.|\bBuffer\b|import\(/);
  }
  expect(files).toEqual(expect.arrayContaining(ENTRIES.map((entry) => `${entry}.js`)));
});

it('runs as published', async () => {
  for (const entry of ENTRIES) {
    const script = `import * as entry from 'dash-relay/${entry}'; console.log(Object.keys(entry).join());`;
    await writeFile(join(app, 'run.mjs'), script);
    const { stdout } = await run(process.execPath, [join(app, 'run.mjs')]);
    expect(stdout).toMatch(/createDashClient|createAIService/);
  }
});

it('is typed for apps without Node’s types, in the strictest settings', async () => {
  await writeFile(join(app, 'app.ts'), APP);
  await writeFile(
    join(app, 'tsconfig.json'),
    JSON.stringify({ compilerOptions: COMPILER_OPTIONS, files: ['app.ts'] }),
  );
  await symlink(join(ROOT, 'node_modules/typescript'), join(app, 'node_modules/typescript'));
  const { stdout } = await run(process.execPath, ['node_modules/typescript/bin/tsc', '-p', '.']).catch(
    (error: { stdout: string }) => error,
  );
  expect(stdout).toBe('');
}, 60_000);

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
import { createDashClient, DashError, type Answer, type Phase } from 'dash-relay/client';
import { createAIService } from 'dash-relay/ai-service';
import { createDashClient as createNativeClient } from 'dash-relay/react-native';

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
createNativeClient({ url: '', getToken: () => null, platform: 'ios', AppState });
try {
  await stream.final;
} catch (error) {
  if (error instanceof DashError && error.retryable) console.log(error.code, error.retryAfterMs, error.content);
}
export {};
`;

function run(file: string, args: readonly string[]) {
  return promisify(execFile)(file, args, { cwd: app });
}
