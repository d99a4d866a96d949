/** Once a run: the demo page that browser tests open, built if it is missing or older than its sources. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const SCRIPT = fileURLToPath(new URL('../../scripts/build-demo.mjs', import.meta.url));

export default async function buildDemo(): Promise<void> {
  await promisify(execFile)(process.execPath, [SCRIPT, '--if-stale']);
}
