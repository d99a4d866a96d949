import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { testFilesByProject, UNIT } from './test/support/test-projects.ts';

const byProject = testFilesByProject();

/** Of half a minute and more, and what waits for so long. */
const LONGEST = [
  'examples/expo-app',
  'admission/others',
  'react/assistant',
  'native/metro',
  'native/rendered/rendered',
  'client/supabase-token',
];

/** Of their project: work of many seconds at the end of a run would leave a core with nothing to do. */
const FIRST = ['model/histories', 'bench/parsers', 'react/markdown-bounds', 'adapters/dash-chat-transport'];

/**
 * The longest files first, then project by project, the short ones last: no file is left alone at the end. A process goes
 * on only where the next file is of its project; a new one reads the sources anew, a second and a half of a core.
 */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isOf = (names: readonly string[]) => {
      return ({ moduleId }: TestSpecification) => names.some((name) => moduleId.includes(`/${name}.`));
    };
    const [isLong, isFirst] = [isOf(LONGEST), isOf(FIRST)];
    const others = sorted
      .filter((file) => !isLong(file))
      .sort((one, other) => Number(isFirst(other)) - Number(isFirst(one)));
    const inTurn = [...byProject.keys()].flatMap((name) =>
      others.filter(({ project }) => project.name === name),
    );
    return [...sorted.filter(isLong), ...inTurn];
  }
}

export default defineConfig({
  test: {
    pool: 'forks',
    // Processes go from file to file: a third of a run would be reading the same sources anew for each.
    isolate: false,
    // Of four at a time, the cores had nothing to do for a fifth of a run. What measures gaps comes first:
    // test/support/priority.ts.
    maxWorkers: 5,
    sequence: { sequencer: LongestFirst },
    // Real processes, browsers and databases on two cores that others may use too: a bound, not an expectation.
    testTimeout: 60_000,
    hookTimeout: 90_000,
    // Tests that race real sockets against the clock get a second try in CI; the report names each that needed it.
    retry: process.env['CI'] === undefined ? 0 : 1,
    // A test that checks nothing cannot fail.
    // A poll waits as long as a busy machine may take, and no longer than its test.
    expect: { requireAssertions: true, poll: { timeout: 15_000 } },
    projects: [...byProject].map(([name, include]) => ({
      extends: true as const,
      test: { name, include: [...include], globalSetup: name === UNIT ? [] : ['test/support/provide.ts'] },
    })),
  },
});
