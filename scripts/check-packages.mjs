/**
 * Judges both packages as `npm run build` left them and npm would publish them: what is packed, publint for the manifest,
 * and "are the types wrong" for how each entry resolves. They are for modules only, so `require` is not asked for.
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from './package-folder.mjs';

const run = promisify(execFile);
const program = (name) => join(ROOT, 'node_modules/.bin', name);

async function judge(name) {
  const folder = join(ROOT, 'dist/packages', name);
  const [packed] = await Promise.all([
    run('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: folder }),
    run(program('publint'), [folder, '--strict']),
    run(program('attw'), ['--pack', folder, '--profile', 'esm-only', '--no-emoji', '--no-color']),
  ]);
  const [{ id, entryCount, size, unpackedSize }] = Object.values(JSON.parse(packed.stdout));
  process.stdout.write(
    `${id}: ${entryCount} files, ${kilobytes(unpackedSize)} unpacked, ${kilobytes(size)} packed\n`,
  );
}

function kilobytes(bytes) {
  return `${(bytes / 1000).toFixed(0)} kB`;
}

try {
  await Promise.all(['client', 'server'].map(judge));
} catch (error) {
  const { stdout = '', stderr = '', message } = error;
  process.stderr.write(`${message}\n${stdout}${stderr}`);
  process.exitCode = 1;
}
