import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { billOfMaterials } from '../../scripts/bill-of-materials.ts';
import { DEVELOPED_WITH, licenceFault, lockedPackages, PASSED_ON } from '../../scripts/licences.ts';

const named = (license: string | undefined) => ({ name: 'left-pad', version: '1.3.0', license });

describe('a package', () => {
  it.each([
    'MIT',
    'ISC',
    '0BSD',
    'MIT OR GPL-3.0-only',
    '(MIT AND Zlib)',
    '(BSD-2-Clause OR MIT OR Apache-2.0)',
  ])('under %s may be passed on', (license) => {
    expect(licenceFault(named(license), PASSED_ON)).toBeUndefined();
  });

  it.each(['GPL-3.0-only', 'AGPL-3.0-or-later', 'MPL-2.0', 'CC-BY-4.0', 'MIT AND GPL-2.0-only', 'BUSL-1.1'])(
    'under %s may not, and a sentence says what to do',
    (license) => {
      expect(licenceFault(named(license), PASSED_ON)).toBe(
        `left-pad 1.3.0 is under ${license}, which may not be passed on in our packages: use another package, or, once whoever decides has read it, name it in scripts/licences.ts`,
      );
    },
  );

  it('that only builds and tests may ask something of who passes it on, but not everything', () => {
    expect(licenceFault(named('MPL-2.0'), DEVELOPED_WITH)).toBeUndefined();
    expect(licenceFault(named('AGPL-3.0-only'), DEVELOPED_WITH)).toMatch(/which may not be used here/);
  });

  it.each(['SEE LICENSE IN LICENSE.md', 'Public Domain', 'UNLICENSED', ''])(
    'whose licence is no name of SPDX is to be read: "%s"',
    (license) => {
      expect(licenceFault(named(license), PASSED_ON)).toMatch(
        /^left-pad 1\.3\.0 names ".*", which is no SPDX/,
      );
    },
  );

  it('without a licence is told of', () => {
    expect(licenceFault(named(undefined), PASSED_ON)).toMatch(/^left-pad 1\.3\.0 names no licence/);
  });
});

it('all of the lock are read, with what they are for', () => {
  const packages = lockedPackages(readFileSync('package-lock.json', 'utf8'));
  expect(packages.length).toBeGreaterThan(100);
  expect(packages.find(({ name }) => name === 'fastify')).toMatchObject({ dev: false, license: 'MIT' });
  expect(packages.find(({ name }) => name === '@biomejs/biome')).toMatchObject({
    dev: true,
    path: 'node_modules/@biomejs/biome',
  });
});

it('the same parts are the same bill of materials, in whatever order they come', () => {
  const whole = { name: 'dash-relay', version: '1.2.3', license: 'MIT' };
  const parts = ['b', '@scope/a'].map((name) => ({ name, version: '1.0.0', license: 'ISC' }));
  const bill = billOfMaterials(whole, parts);
  expect(billOfMaterials(whole, parts.toReversed())).toBe(bill);
  expect(JSON.parse(bill)).toMatchObject({
    bomFormat: 'CycloneDX',
    components: [
      { group: '@scope', name: 'a', purl: 'pkg:npm/%40scope/a@1.0.0' },
      { name: 'b', purl: 'pkg:npm/b@1.0.0' },
    ],
  });
});
