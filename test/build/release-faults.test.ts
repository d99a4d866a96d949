import { describe, expect, it } from 'vitest';
import { type ReleaseFiles, releaseFaults } from '../../scripts/release-faults.ts';

const CHANGELOG = `# Changelog

## [Unreleased]

## [1.2.3] - 2026-11-28

### Fixed
- Something.
`;
const READY: ReleaseFiles = {
  manifest: '{"version":"1.2.3"}',
  lock: '{"version":"1.2.3"}',
  changelog: CHANGELOG,
  packages: { 'packages/client/package.json': '{"repository":"github:a/b"}' },
  built: { 'dist/packages/client/package.json': '{"version":"1.2.3"}' },
  examples: { 'examples/node/package.json': '{"dependencies":{"@dash-relay/client":"^1.2.3"}}' },
  tag: 'v1.2.3',
};

it('finds nothing where all is of one version and the changelog has its section', () => {
  expect(releaseFaults(READY)).toEqual({ version: '1.2.3', faults: [] });
  expect(releaseFaults({ ...READY, built: {}, tag: undefined }).faults).toEqual([]);
});

describe('names what is in the way', () => {
  const FAULTS: [string, Partial<ReleaseFiles>, RegExp][] = [
    ['a version that is none', { manifest: '{"version":"1.2"}' }, /package\.json: "1\.2" is no version/],
    ['a lock of another version', { lock: '{"version":"1.2.2"}' }, /package-lock\.json .* npm install/],
    ['a tag of another version', { tag: 'v1.2.4' }, /is v1\.2\.3, not v1\.2\.4/],
    [
      'a package without its repository',
      { packages: { 'packages/a/package.json': '{}' } },
      /^packages\/a.*provenance/,
    ],
    [
      'a package built before',
      { built: { 'dist/packages/a/package.json': '{"version":"1.2.2"}' } },
      /run npm run build/,
    ],
    [
      'an example of another version',
      { examples: { 'examples/a/package.json': '{"dependencies":{"@dash-relay/client":"^1.1.0"}}' } },
      /^examples\/a.*write \^1\.2\.3/,
    ],
    [
      'no section',
      { changelog: CHANGELOG.replace('1.2.3', '1.2.2') },
      /no section "## \[1\.2\.3\] - YYYY-MM-DD"/,
    ],
    ['a section without a date', { changelog: CHANGELOG.replace('2026-11-28', 'soon') }, /no date/],
    [
      'a section without an entry',
      { changelog: CHANGELOG.replace('- Something.', '') },
      /says nothing about 1\.2\.3/,
    ],
    [
      'no place for what comes next',
      { changelog: CHANGELOG.replace('## [Unreleased]\n', '') },
      /no "## \[Unreleased\]"/,
    ],
    [
      'lines that were left behind',
      { changelog: CHANGELOG.replace('## [Unreleased]\n', '## [Unreleased]\n\n### Added\n- More.\n') },
      /belong to 1\.2\.3/,
    ],
  ];
  it.each(FAULTS)('%s', (_, change, sentence) => {
    const { faults } = releaseFaults({ ...READY, ...change });
    expect(faults.filter((fault) => sentence.test(fault))).toHaveLength(1);
  });

  it('all at once', () => {
    expect(releaseFaults({ ...READY, lock: '{}', changelog: '', tag: 'next' }).faults).toHaveLength(3);
  });
});
