/**
 * `npm run check:licences`: whether each package of the lock may be used, by its licence. What our own packages pass on is
 * checked once more where they are built (package-folder.mjs): the page and the assistant pass on packages that nothing of
 * the server needs. Other servers that benchmarks and tests install beside are not ours to pass on.
 */
import { readFileSync } from 'node:fs';
import { DEVELOPED_WITH, licenceFault, lockedPackages, PASSED_ON } from './licences.ts';

const packages = lockedPackages(readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8'));
const faults = packages.flatMap((each) => licenceFault(each, each.dev ? DEVELOPED_WITH : PASSED_ON) ?? []);
for (const fault of faults) process.stderr.write(`check:licences: ${fault}\n`);
if (faults.length === 0)
  process.stdout.write(`${packages.length} packages: each may be used, by its licence.\n`);
else process.exitCode = 1;
