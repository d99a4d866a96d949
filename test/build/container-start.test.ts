/** The image's entry point: what it hands the relay. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const SCRIPT = 'scripts/container-start.sh';
/** Of nobody in particular: as root it would look for the image's user. */
const UNPRIVILEGED = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};

const started = (...command: string[]) => promisify(execFile)('sh', [SCRIPT, ...command], UNPRIVILEGED);

it('no core is dumped, however large the limit was before, and nobody can raise it again', async () => {
  const { stdout } = await promisify(execFile)(
    'sh',
    ['-c', `ulimit -S -c "$(ulimit -H -c)"; exec sh ${SCRIPT} sh -c 'ulimit -S -c; ulimit -H -c'`],
    UNPRIVILEGED,
  );
  expect(stdout).toBe('0\n0\n');
});

it('SIGUSR1 opens no debugger, also where NODE_OPTIONS says something else', async () => {
  const program = `
    const { url } = await import('node:inspector');
    process.kill(process.pid, 'SIGUSR1');
    setTimeout(() => console.log(url() ?? 'no debugger', process.title), 100);`;
  const { stdout } = await promisify(execFile)(
    'sh',
    [SCRIPT, process.execPath, '--input-type=module', '--eval', program],
    { ...UNPRIVILEGED, env: { NODE_OPTIONS: '--title=of-the-operator' } },
  );
  expect(stdout).toBe('no debugger of-the-operator\n');
});

it('the command takes the place of the script, with its arguments and its exit code', async () => {
  expect((await started('printf', '%s|', 'a b', '$HOME')).stdout).toBe('a b|$HOME|');
  await expect(started('sh', '-c', 'exit 78')).rejects.toMatchObject({ code: 78 });
});
