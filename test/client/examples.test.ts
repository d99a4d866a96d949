/** The examples in the public docstrings: each public function and class has one, and each compiles as an app would write it. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { readProjectFile, sourceFiles } from '../architecture/source-files.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

const ENTRIES: Readonly<Record<string, string>> = {
  '@dash-relay/client': 'src/client/index.ts',
  '@dash-relay/client/ai-service': 'src/client/ai-service.ts',
  '@dash-relay/client/metrics': 'src/client/metrics-reporter.ts',
  '@dash-relay/client/upload': 'src/client/upload.ts',
  '@dash-relay/client/report': 'src/client/report-answer.ts',
  '@dash-relay/client/ai-sdk': 'src/adapters/dash-chat-transport.ts',
  '@dash-relay/client/assistant-ui': 'src/adapters/dash-chat-model.ts',
  '@dash-relay/client/react-native': 'src/react-native/index.ts',
  '@dash-relay/client/react': 'src/react/index.ts',
  'dash-relay/testing': 'src/testing/index.ts',
};

/** What an app has beside the example. */
const SURROUNDINGS = `
import type { SupabaseClient } from '@supabase/supabase-js';
import type { DashClient, DashStream } from '@dash-relay/client';
import type { AIService } from '@dash-relay/client/ai-service';

declare global {
  const supabase: SupabaseClient;
  const client: DashClient;
  const stream: DashStream;
  const service: AIService;
  const process: { readonly env: { readonly [key: string]: string | undefined } };
  function show(text: string): void;
}
`;

/** A docstring and the line after it. */
const DOCUMENTED = /^( *)\/\*\*\n((?:\1 \*.*\n)+?)\1 \*\/\n(.+)$/gm;
const EXAMPLE = /@example\n```(tsx?)\n([\s\S]*?)\n```/g;

interface Example {
  readonly of: string;
  readonly extension: string;
  readonly code: string;
}

const sources = sourceFiles('src/client', 'src/adapters', 'src/react', 'src/react-native', 'src/testing');
const examples = sources.flatMap(({ path, text }) =>
  Array.from(text.matchAll(DOCUMENTED)).flatMap(([, , comment = '', declaration = '']) => {
    const prose = comment.replaceAll(/^ *\* ?/gm, '');
    return Array.from(
      prose.matchAll(EXAMPLE),
      ([, extension = '', code = '']): Example => ({ of: `${path} ${nameOf(declaration)}`, extension, code }),
    );
  }),
);

it('has one for each public function, class and component', () => {
  const declared = Object.values(ENTRIES).flatMap((entry) => [
    ...declaredIn(entry),
    ...exportedFrom(entry).flatMap(([from, names]) =>
      declaredIn(from).filter((declaration) => names.includes(declaration.split(' ')[1] ?? '')),
    ),
  ]);
  expect(declared.length).toBeGreaterThan(12);
  const known = new Set(examples.map(({ of }) => of));
  expect(declared.filter((declaration) => !known.has(declaration))).toEqual([]);
});

it.each([
  ['src/client/create-dash-client.ts', ['stream', 'attach', 'onUser', 'signOut', 'close']],
  ['src/client/dash-stream.ts', ['DashStream', 'cancel', 'detach', 'subscribe']],
  ['src/client/ai-service.ts', ['callAIServiceStreaming']],
])('has one for each method of the interfaces in %s', (path, methods) => {
  const known = examples.map(({ of }) => of);
  expect(known).toEqual(expect.arrayContaining(methods.map((method) => `${path} ${method}`)));
});

it('compiles each of them', async () => {
  const app = await mkdtemp(join(tmpdir(), 'dash-relay-examples-'));
  try {
    await writeFile(join(app, 'surroundings.d.ts'), SURROUNDINGS);
    const files = await Promise.all(
      examples.map(async ({ extension, code }, index) => {
        const file = join(app, `${index}.${extension}`);
        await writeFile(file, `${code}\nexport {};\n`);
        return file;
      }),
    );
    const wrong = join(app, 'wrong.ts');
    await writeFile(wrong, 'client.stream();\n');
    expect(await errorsOf(app, [...files, wrong])).toEqual([expect.stringMatching(/^wrong.*error TS2554/)]);
  } finally {
    await rm(app, { recursive: true, force: true });
  }
}, 120_000);

/** What the compiler says of these files, an error a line, each with the name of its example. */
async function errorsOf(app: string, files: readonly string[]): Promise<string[]> {
  await symlink(join(ROOT, 'node_modules'), join(app, 'node_modules'));
  const paths = Object.fromEntries(Object.entries(ENTRIES).map(([name, path]) => [name, [join(ROOT, path)]]));
  const compilerOptions = {
    target: 'es2024',
    lib: ['es2024', 'esnext.disposable', 'dom'],
    module: 'esnext',
    moduleResolution: 'bundler',
    jsx: 'react-jsx',
    types: ['node'],
    strict: true,
    exactOptionalPropertyTypes: true,
    noEmit: true,
    skipLibCheck: true,
    allowImportingTsExtensions: true,
    paths,
  };
  await writeFile(
    join(app, 'tsconfig.json'),
    JSON.stringify({ compilerOptions, files: ['surroundings.d.ts', ...files] }),
  );
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
  const { stdout } = await promisify(execFile)(process.execPath, [tsc, '-p', app], { cwd: app }).catch(
    (error: { stdout: string }) => error,
  );
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.replace(/^(\d+)\.tsx?/, (_, index) => examples[Number(index)]?.of ?? ''));
}

/** `path name` of each exported function, class and component of a module. */
function declaredIn(path: string): string[] {
  const declarations = readProjectFile(path).matchAll(/^export (?:async )?(?:function|class) (\w+)/gm);
  return Array.from(declarations, ([, name]) => `${path} ${name}`);
}

/** The values that an entry exports again: from which module, and by which names. */
function exportedFrom(entry: string): [from: string, names: string[]][] {
  const folder = entry.replace(/[^/]+$/, '');
  const statements = readProjectFile(entry).matchAll(/^export \{([^}]*)\} from '([^']+)'/gm);
  return Array.from(statements, ([, list = '', from = '']) => {
    const path = new URL(from, `file:///${folder}`).pathname.slice(1);
    const names = list.split(',').map((name) => name.trim());
    return [path, names.filter((name) => name !== '' && !name.startsWith('type '))];
  });
}

function nameOf(declaration: string): string {
  const name = /^\s*(?:export )?(?:async )?(?:function |class |interface |const )?(\w+)/.exec(
    declaration,
  )?.[1];
  return name ?? declaration.trim();
}
