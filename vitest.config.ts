import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { testFilesByProject } from './test/support/test-projects.ts';

const byProject = testFilesByProject();

/** The files with the longest waits first, so that no long one is left alone at the end. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const projects = [...byProject.keys()];
    const sorted = await super.sort(files);
    return sorted.toSorted((a, b) => projects.indexOf(a.project.name) - projects.indexOf(b.project.name));
  }
}

export default defineConfig({
  test: {
    pool: 'forks',
    // Processes go from file to file: a third of a run would be reading the same sources anew for each.
    isolate: false,
    // Tests wait more than they compute.
    maxWorkers: 3,
    sequence: { sequencer: LongestFirst },
    // Real processes, browsers and databases on two cores that others may use too: a bound, not an expectation.
    testTimeout: 60_000,
    hookTimeout: 90_000,
    // Tests that race real sockets against the clock get a second try in CI; the report names each that needed it.
    retry: process.env['CI'] === undefined ? 0 : 1,
    // A test that checks nothing cannot fail.
    expect: { requireAssertions: true },
    projects: [...byProject].map(([name, include]) => ({
      extends: true as const,
      test: { name, include: [...include], globalSetup: name === 'unit' ? [] : ['test/support/provide.ts'] },
    })),
  },
});
