import { basename } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type ImportStatement, importsOf } from './import-statements.ts';
import { sourceFiles } from './source-files.ts';

interface Arrows {
  /** Folders of src/ it may import, or files at its top by name. */
  readonly values: readonly string[];
  /** Folders it knows only by `import type`. */
  readonly types?: readonly string[];
}

/** ARCHITECTURE.md draws this table. A folder that is not in it may not exist. */
const ARROWS: Readonly<Record<string, Arrows>> = {
  time: { values: [] },
  protocol: { values: [] },
  auth: { values: ['protocol', 'time'] },
  upstream: { values: ['protocol', 'time'] },
  'stream-log': { values: ['protocol', 'time'] },
  usage: { values: ['protocol', 'time'] },
  relay: { values: ['protocol', 'time'], types: ['auth', 'upstream', 'stream-log', 'usage'] },
  http: { values: ['relay', 'auth', 'protocol', 'time'] },
  observe: {
    values: [],
    types: ['auth', 'http', 'protocol', 'relay', 'stream-log', 'time', 'upstream', 'usage'],
  },
  simulator: { values: ['protocol', 'time'] },
  client: { values: ['protocol'] },
  'react-native': { values: ['client'] },
  react: { values: ['client'] },
  ask: { values: ['client'] },
  testing: { values: ['compose', 'config', 'simulator'] },
  demo: { values: ['client', 'react'] },
};

/** The composition root and what only it and the process use. */
const TOP_FILES = [
  'main',
  'serve',
  'welcome',
  'compose',
  'config',
  'config-rules',
  'config-values',
  'config-files',
].map((name) => `src/${name}.ts`);

const imports = sourceFiles('src').flatMap(importsOf);

describe('the arrows between the folders of src/', () => {
  it('finds imports to judge', () => {
    expect(imports.length).toBeGreaterThan(100);
  });

  it('lets a folder import only what the table allows', () => {
    expect(imports.filter((statement) => !isAllowed(statement)).map(described)).toEqual([]);
  });

  it('lets nothing in src/ import what lies beside it', () => {
    const beside = /^(test|bench|scripts|\.\.)\//;
    expect(imports.filter(({ to }) => beside.test(to)).map(described)).toEqual([]);
  });

  it('has no top-level file beyond the process and its composition root', () => {
    const top = sourceFiles('src').filter(({ path }) => folderOf(path) === undefined);
    expect(top.map(({ path }) => path).filter((path) => !TOP_FILES.includes(path))).toEqual([]);
  });

  it('names .ts in every import of a TypeScript module of ours', () => {
    const own = imports.filter(({ from, to }) => from.endsWith('.ts') && to.startsWith('src/'));
    expect(own.filter(({ to }) => !/\.(tsx?|json)$/.test(to)).map(described)).toEqual([]);
  });
});

describe('the packages behind the ports', () => {
  it.each([
    ['ws', ['src/http/']],
    ['fastify', ['src/http/']],
    ['pg', ['src/usage/']],
    ['ioredis', ['src/stream-log/', 'src/compose.ts']],
    ['pino', ['src/observe/']],
    ['prom-client', ['src/observe/']],
    ['jose', ['src/auth/']],
    ['@anthropic-ai/sdk', ['src/upstream/']],
    ['node:sqlite', ['src/usage/']],
    ['node:http2', ['src/upstream/', 'src/simulator/']],
    ['react', ['src/react/', 'src/demo/']],
    ['react-native', ['src/react/', 'src/demo/']],
    ['marked', ['src/react/']],
  ])('keeps %s in %j', (name, places) => {
    const users = imports.filter(({ to, typeOnly }) => to === name && !typeOnly);
    const strangers = users.filter(({ from }) => !places.some((place) => from.startsWith(place)));
    expect(strangers.map(described)).toEqual([]);
  });

  it('lets protocol/ use zod in its one parsing file only, and nothing else', () => {
    const outside = imports.filter(({ from, to }) => folderOf(from) === 'protocol' && !to.startsWith('src/'));
    expect(outside.map(described)).toEqual(['src/protocol/parse-client-frame.ts → zod']);
  });

  it('keeps everything but the platform out of client/', () => {
    const outside = imports.filter(({ from, to }) => folderOf(from) === 'client' && !to.startsWith('src/'));
    expect(outside.map(described)).toEqual([]);
  });

  it('lets time/ use nothing', () => {
    const outside = imports.filter(
      ({ from, to }) => folderOf(from) === 'time' && !to.startsWith('src/time/'),
    );
    expect(outside.map(described)).toEqual([]);
  });
});

function isAllowed({ from, to, typeOnly }: ImportStatement): boolean {
  const [source, target] = [folderOf(from), folderOf(to)];
  if (source === undefined || source === target) return true;
  const arrows = ARROWS[source];
  if (arrows === undefined) return false;
  if (target === undefined) return !TOP_FILES.includes(to) || arrows.values.includes(basename(to, '.ts'));
  return arrows.values.includes(target) || (typeOnly && (arrows.types ?? []).includes(target));
}

/** `relay` for src/relay/port.ts; undefined for the top files of src/, packages and files beside src/. */
function folderOf(path: string): string | undefined {
  return /^src\/([^/]+)\//.exec(path)?.[1];
}

function described({ from, to, typeOnly }: ImportStatement): string {
  return `${from} → ${typeOnly ? 'type ' : ''}${to}`;
}
