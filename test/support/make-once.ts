/** What takes long to make and is the same for all tests: made once per key, outside the checkout. */
import { createHash } from 'node:crypto';
import { access, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

const POLL_MS = 100;
/** Nothing takes that long to make. */
const ABANDONED_MS = 600_000;

/**
 * @param name what it is: `installed`
 * @param key all that it is made of
 * @param make fills an empty folder
 * @returns the folder, which others use too
 */
export async function makeOnce(
  name: string,
  key: Buffer,
  make: (folder: string) => Promise<void>,
): Promise<string> {
  const hash = createHash('sha256').update(key).digest('hex').slice(0, 12);
  const made = join(tmpdir(), `dash-relay-${name}-${hash}`);
  while (!(await isThere(made))) {
    if (await take(`${made}.making`)) await makeAt(made, make);
    else await wait(POLL_MS);
  }
  return made;
}

async function makeAt(made: string, make: (folder: string) => Promise<void>): Promise<void> {
  const fresh = await mkdtemp(`${made}-making-`);
  try {
    // Whoever had it made it between our look and our turn.
    if (await isThere(made)) return;
    await make(fresh);
    await rename(fresh, made);
  } finally {
    await rm(fresh, { recursive: true, force: true });
    await rm(`${made}.making`, { force: true });
  }
}

/** Test files run side by side, and what is the same for all of them is not made by each. */
async function take(lock: string): Promise<boolean> {
  try {
    await writeFile(lock, String(process.pid), { flag: 'wx' });
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
    if (await isAbandoned(lock)) await rm(lock, { force: true });
    return false;
  }
}

/** By a process that was killed. Its number may be another's by now. */
async function isAbandoned(lock: string): Promise<boolean> {
  try {
    const { mtimeMs } = await stat(lock);
    const pid = Number(await readFile(lock, 'utf8'));
    if (Date.now() - mtimeMs > ABANDONED_MS) return true;
    return pid > 0 && !isAlive(pid);
  } catch {
    return false; // it was given back meanwhile
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
