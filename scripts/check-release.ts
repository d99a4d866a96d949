/**
 * `npm run release:check [-- v0.2.0]`: whether this checkout can be released as it stands, and under that tag. Names
 * everything that is in the way at once. docs/release.md is the procedure.
 */
import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { releaseFaults } from './release-faults.ts';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const read = (path: string): string => readFileSync(`${ROOT}${path}`, 'utf8');
const readAll = (pattern: string): Record<string, string> =>
  Object.fromEntries(globSync(pattern, { cwd: ROOT }).map((path) => [path, read(path)]));

const { faults, version } = releaseFaults({
  manifest: read('package.json'),
  lock: read('package-lock.json'),
  changelog: read('CHANGELOG.md'),
  packages: readAll('packages/*/package.json'),
  built: readAll('dist/packages/*/package.json'),
  examples: readAll('examples/*/package.json'),
  tag: process.argv[2],
});
for (const fault of faults) process.stderr.write(`release:check: ${fault}\n`);
if (faults.length === 0) process.stdout.write(`${version} can be released.\n`);
else process.exitCode = 1;
