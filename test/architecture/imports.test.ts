import { describe, expect, it } from 'vitest';
import { type ImportStatement, importsOf } from './import-statements.ts';
import { readProjectFile, sourceFiles } from './source-files.ts';

interface Arrows {
  /** Folders of src/ it may import. */
  readonly values: readonly string[];
  /** Folders it knows only by `import type`. */
  readonly types: readonly string[];
  /** Packages of npm that it loads. */
  readonly packages: readonly string[];
}

const ROW = /^\| `([a-z-]+)\/` \| [^|]+ \|([^|]*)\|([^|]*)\|([^|]*)\|$/gm;

/** The table of ARCHITECTURE.md. A folder that is not in it may not exist. */
const ARROWS: Readonly<Record<string, Arrows>> = Object.fromEntries(
  Array.from(
    readProjectFile('ARCHITECTURE.md').matchAll(ROW),
    ([, folder = '', values = '', types = '', packages = '']) => [
      folder,
      { values: names(values), types: names(types), packages: names(packages) },
    ],
  ),
);

function names(cell: string): string[] {
  return cell
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

/** The process, and the command that starts it. */
const TOP_FILES = ['cli', 'compile-cache', 'main', 'serve', 'start-command', 'supervise', 'welcome'].map(
  (name) => `src/${name}.ts`,
);

/** Parts of Node that belong to one folder each. */
const NODE_PARTS: Readonly<Record<string, readonly string[]>> = {
  'node:sqlite': ['ledger', 'quota', 'reports', 'webhooks'],
  'node:http2': ['upstream', 'simulator'],
};

const imports = sourceFiles('src').flatMap(importsOf);

describe('the arrows between the folders of src/', () => {
  it('finds imports to judge', () => {
    expect(imports.length).toBeGreaterThan(100);
  });

  it('lets a folder import only what the table allows', () => {
    expect(imports.filter((statement) => !isAllowed(statement)).map(described)).toEqual([]);
  });

  it('has no circle: who loads a folder is never loaded by it, however many lie between', () => {
    expect(Object.keys(ARROWS).filter((folder) => loadedBy(folder).has(folder))).toEqual([]);
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

describe('the tests', () => {
  it('import nothing of bench/, but for those of the benchmarks themselves: what both need is the tests’ own', () => {
    const tests = sourceFiles('test').flatMap(importsOf);
    expect(tests.length).toBeGreaterThan(100);
    const ofBench = tests.filter(({ to }) => to.startsWith('bench/'));
    expect(ofBench.filter(({ from }) => !from.startsWith('test/bench/')).map(described)).toEqual([]);
  });
});

describe('the packages behind the ports', () => {
  it('are loaded only where the table says, and every one it names is', () => {
    const used = new Set(
      imports
        .filter(({ to, typeOnly }) => !typeOnly && !to.startsWith('src/') && !to.startsWith('node:'))
        .map(({ from, to }) => `${folderOf(from)}: ${to}`),
    );
    const allowed = Object.entries(ARROWS).flatMap(([folder, { packages }]) =>
      packages.map((name) => `${folder}: ${name}`),
    );
    expect([...used].sort()).toEqual(allowed.sort());
  });

  it.each(Object.entries(NODE_PARTS))('keeps %s in %j', (name, folders) => {
    const users = imports.filter(({ to, typeOnly }) => to === name && !typeOnly);
    expect(users.filter(({ from }) => !folders.includes(folderOf(from) ?? '')).map(described)).toEqual([]);
  });

  it('lets protocol/ use zod in the files that parse, and nothing else', () => {
    const outside = imports.filter(({ from, to }) => folderOf(from) === 'protocol' && !to.startsWith('src/'));
    expect(outside.map(described)).toEqual([
      'src/protocol/check-shape.ts → type zod',
      'src/protocol/client-frame-schemas.ts → zod',
      'src/protocol/parse-answer-report.ts → zod',
      'src/protocol/parse-client-frame.ts → type zod',
      'src/protocol/parse-streaming-metrics.ts → zod',
    ]);
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
  if (target === undefined) return !TOP_FILES.includes(to);
  return arrows.values.includes(target) || (typeOnly && arrows.types.includes(target));
}

/** All folders that come with one, as the table has its values. */
function loadedBy(folder: string, known = new Set<string>()): Set<string> {
  for (const target of ARROWS[folder]?.values ?? []) {
    if (!known.has(target)) loadedBy(target, known.add(target));
  }
  return known;
}

/** `relay` for src/relay/port.ts; undefined for the top files of src/, packages and files beside src/. */
function folderOf(path: string): string | undefined {
  return /^src\/([^/]+)\//.exec(path)?.[1];
}

function described({ from, to, typeOnly }: ImportStatement): string {
  return `${from} → ${typeOnly ? 'type ' : ''}${to}`;
}
