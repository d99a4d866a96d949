/**
 * Prints `<passed> <failed>` for a JSON report of the test runner and the runner's exit code. Only a test that ran and
 * passed counts as passed; a file that could not be loaded, a run without tests, a run that failed although no test
 * did, and a missing report are one failure each.
 */
import { readFileSync } from 'node:fs';

const [file, exitCode] = process.argv.slice(2);

function readReport() {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return { testResults: [] };
  }
}

const files = readReport().testResults;
const results = files.flatMap((each) => each.assertionResults);
const passed = results.filter((result) => result.status === 'passed').length;
const unloaded = files.filter((each) => each.assertionResults.length === 0).length;
const failed = results.length - passed + unloaded;
const failedOtherwise = failed === 0 && (passed === 0 || exitCode !== '0');
process.stdout.write(`${passed} ${failedOtherwise ? 1 : failed}\n`);
