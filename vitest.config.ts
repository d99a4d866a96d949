import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: 'test/support/built-demo.ts',
    pool: 'forks',
    maxWorkers: 2,
    // Real processes, browsers and databases on two cores that others may use too: a bound, not an expectation.
    testTimeout: 60_000,
    hookTimeout: 90_000,
    // Tests that race real sockets against the clock get a second try in CI; the report names each that needed it.
    retry: process.env['CI'] === undefined ? 0 : 1,
    // A test that checks nothing cannot fail.
    expect: { requireAssertions: true },
  },
});
