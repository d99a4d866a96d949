/** What takes long to make and is the same for all tests: made once per key, outside the checkout. */
import { createHash } from 'node:crypto';
import { access, mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

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
  if (await isThere(made)) return made;
  const fresh = await mkdtemp(join(tmpdir(), `dash-relay-${name}-making-`));
  try {
    await make(fresh);
    await rename(fresh, made);
  } catch (error) {
    await rm(fresh, { recursive: true });
    // Another run may have been faster.
    if (!(await isThere(made))) throw error;
  }
  return made;
}

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
