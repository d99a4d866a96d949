/**
 * Deletes what a user sent ahead of questions from where it outlives a relay: UPLOADS_DIR, or the Redis of all relays. What lies in
 * the memory of a running one is not reached: it ends with UPLOAD_TTL_MS, and at once where the user's tokens are revoked.
 */
import { RedisFailure } from '../cluster/store/redis-failure.ts';
import { messageOf } from '../command-line/subcommand.ts';
import { readConfig } from '../config/environment.ts';
import { DirectoryShelf, directoryKey } from '../uploads/directory-shelf.ts';
import { openUploadsOfFleet } from './command-places.ts';

export interface ErasedUploads {
  readonly files: number;
  /** As people call it. */
  readonly place: string;
}

/**
 * By the environment of the process.
 * @returns undefined where neither key is set: the others need not be right then
 * @throws Error saying why Redis cannot be asked, or what is wrong with the environment
 */
export async function eraseUploads(userId: string): Promise<ErasedUploads | undefined> {
  if (!process.env['UPLOADS_DIR'] && !process.env['REDIS_URL']) return undefined;
  const config = readConfig({ ...process.env });
  const { UPLOADS_DIR: directory } = config;
  if (directory !== undefined)
    return { files: await new DirectoryShelf(directory).deleteAll(directoryKey(userId)), place: directory };
  const store = await openUploadsOfFleet(config);
  try {
    return store && { files: await store.removeAll(userId), place: 'Redis' };
  } catch (cause) {
    throw new Error(`the uploads in Redis are left: it cannot be asked (${reasonOf(cause)}). Erase again`, {
      cause,
    });
  } finally {
    await store?.close();
  }
}

function reasonOf(refusal: unknown): string {
  const failure = refusal instanceof Error ? refusal.cause : undefined;
  if (!(failure instanceof RedisFailure)) return messageOf(refusal);
  return failure.hint === undefined ? failure.code : `${failure.code}: ${failure.hint}`;
}
