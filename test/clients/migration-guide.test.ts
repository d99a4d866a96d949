/** The code of docs/migrate-from-edge-functions.md, as it stands there: it fits the types of an app, and calls the relay. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { expect, it, onTestFinished } from 'vitest';
import { startTestRelay } from '../../src/testing/index.ts';
import { readProjectFile } from '../architecture/source-files.ts';
import { freePort } from '../support/free-port.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const GUIDE = readProjectFile('docs/migrate-from-edge-functions.md');
const blocks = [...GUIDE.matchAll(/```ts\n(.*?)```/gs)].map(([, code = '']) => code);
/** Those that name their file. */
const FILES = Object.fromEntries(
  blocks.flatMap((code) => {
    const path = /^\/\/ (services\/\S+)\n/.exec(code)?.[1];
    return path === undefined ? [] : [[path, code]];
  }),
);
const CALLER = blocks.find((code) => code.startsWith('const params = {')) ?? '';

/** What apps have beside it, as far as the guide uses it. */
const PACKAGES = `
declare module 'react-native' {
  export const Platform: { readonly OS: 'android' | 'ios' | 'web' };
  export const AppState: {
    readonly currentState: string;
    addEventListener(type: 'change', listener: (state: string) => void): { remove(): void };
  };
}
declare module '@react-native-community/netinfo' {
  const NetInfo: { addEventListener(listener: (state: { isConnected: boolean | null }) => void): () => void };
  export default NetInfo;
}
declare module 'expo/fetch' {
  export const fetch: typeof globalThis.fetch;
}
`;

function appWith(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'guide-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}

it('fits the types of the client and of supabase-js', async () => {
  expect(Object.keys(FILES)).toEqual([
    'services/functions.ts',
    'services/aiService.ts',
    'services/aiService.web.ts',
  ]);
  const entry = (path: string) => [join(ROOT, 'src', path)];
  const folder = appWith({
    ...FILES,
    'packages.d.ts': PACKAGES,
    'services/supabase.ts': `import { createClient } from '@supabase/supabase-js';
export const supabase = createClient('https://project.example', 'key');`,
    'services/grading.ts': `import { callAIServiceStreaming } from './aiService';
export async function grade(submission: string, rubric: string[], gradeLevel: string, onChunk: (text: string) => void) {
${CALLER}  return content;
}`,
    'tsconfig.json': JSON.stringify({
      compilerOptions: {
        ...{ strict: true, noEmit: true, skipLibCheck: true, allowImportingTsExtensions: true },
        ...{
          module: 'esnext',
          moduleResolution: 'bundler',
          target: 'es2024',
          lib: ['es2024', 'esnext', 'dom'],
        },
        ...{ types: ['node'], typeRoots: [join(ROOT, 'node_modules/@types')] },
        paths: {
          '@dash-relay/client': entry('client/index.ts'),
          '@dash-relay/client/ai-service': entry('client/ai-service.ts'),
          '@dash-relay/client/react-native': entry('react-native/index.ts'),
          '@supabase/*': [join(ROOT, 'node_modules/@supabase/*')],
        },
      },
      include: ['services', 'packages.d.ts'],
    }),
  });
  const tsc = promisify(execFile)(join(ROOT, 'node_modules/.bin/tsc'), ['-p', folder]);
  const { stdout } = await tsc.catch((failed: { stdout: string }) => failed);
  expect(stdout).toBe('');
});

interface Functions {
  readonly invoke: (name: string, body: object) => Promise<{ data: unknown; error: unknown }>;
}

/** services/functions.ts in an app whose project answers `{content: 'of the project'}`. */
async function functionsOf(relayUrl: string, token: string): Promise<Functions> {
  const folder = appWith({
    ...FILES,
    'services/supabase.ts': `export const supabase = {
  auth: { getSession: async () => ({ data: { session: { access_token: ${JSON.stringify(token)} } } }) },
  functions: { invoke: async () => ({ data: { content: 'of the project' }, error: null }) },
};`,
  });
  const outfile = join(folder, 'functions.mjs');
  await build({
    ...{ entryPoints: [join(folder, 'services/functions.ts')], outfile, bundle: true, format: 'esm' },
    nodePaths: [join(ROOT, 'node_modules')],
    define: {
      'process.env.EXPO_PUBLIC_DASH_RELAY_URL': JSON.stringify(relayUrl),
      'process.env.EXPO_PUBLIC_SUPABASE_ANON_KEY': '"key"',
    },
  });
  return (await import(pathToFileURL(outfile).href)) as Functions;
}

it('asks the relay in place of the function, with the user’s token', async () => {
  const relay = await startTestRelay();
  onTestFinished(() => relay.close());
  relay.simulator.always({ deltas: ['of ', 'the ', 'relay'] });
  const { invoke } = await functionsOf(relay.url, await relay.token());
  const body = { action: 'lesson_generation', topic: 'Fractions' };
  expect(await invoke('ai-gateway', body)).toMatchObject({ data: { content: 'of the relay' }, error: null });
});

it('leaves what the relay refuses refused, and asks the project where no relay is', async () => {
  const relay = await startTestRelay();
  onTestFinished(() => relay.close());
  const refused = await functionsOf(relay.url, 'no token');
  expect(await refused.invoke('ai-gateway', { action: 'chat' })).toMatchObject({
    data: null,
    error: { name: 'FunctionsHttpError' },
  });
  const { invoke } = await functionsOf(`http://127.0.0.1:${await freePort()}`, await relay.token());
  expect(await invoke('ai-gateway', { action: 'chat' })).toMatchObject({
    data: { content: 'of the project' },
  });
});
