/** Uploads: where they lie, as the environment says, and what of them is counted and logged. */
import type { Config } from '../config/environment.ts';
import { systemClock } from '../time/clock.ts';
import { DirectoryShelf, directoryKey } from '../uploads/directory-shelf.ts';
import { LocalUploadStore } from '../uploads/local-store.ts';
import { MemoryShelf } from '../uploads/memory-shelf.ts';
import type { UploadLimits, UploadStore } from '../uploads/port.ts';
import { Uploads } from '../uploads/uploads.ts';
import type { Accounts } from './accounts.ts';
import type { Telemetry } from './metrics.ts';

/**
 * @param shared in Redis, where there is one
 * @throws Error where UPLOADS_DIR cannot be used
 */
export async function composeUploads(
  config: Config,
  { revocations }: Pick<Accounts, 'revocations'>,
  { observer, metrics }: Telemetry,
  shared: ((limits: UploadLimits) => UploadStore) | undefined,
): Promise<Uploads | undefined> {
  if (config.UPLOADS_PER_USER === 0) return undefined;
  const limits = uploadLimitsOf(config);
  const onFailed = (cause: unknown): void => observer.failed({ what: 'uploads', cause });
  return new Uploads({
    store: shared?.(limits) ?? (await localStore(config, limits, onFailed)),
    clock: systemClock,
    ttlMs: config.UPLOAD_TTL_MS,
    limits: { side: config.UPLOAD_MAX_SIDE_PX, pages: config.UPLOAD_MAX_PAGES },
    isRevoked: (principal) => revocations.has(principal),
    onKept: ({ mediaType: type }) => metrics.uploads.inc({ type }),
    onFailed,
  });
}

export function uploadLimitsOf(config: Config): UploadLimits {
  return {
    files: config.UPLOADS_PER_USER,
    bytes: config.UPLOADS_USER_BYTES,
    totalBytes: config.UPLOADS_TOTAL_BYTES,
  };
}

async function localStore(
  { UPLOADS_DIR: directory }: Config,
  limits: UploadLimits,
  onFailed: (cause: unknown) => void,
): Promise<UploadStore> {
  const shelf = directory === undefined ? new MemoryShelf() : new DirectoryShelf(directory);
  const keyOf = directory === undefined ? (userId: string) => userId : directoryKey;
  const store = new LocalUploadStore({ shelf, limits, clock: systemClock, keyOf, onFailed });
  await store.start().catch((cause: Error) => {
    throw new Error(`UPLOADS_DIR cannot be used: ${cause.message}`, { cause });
  });
  return store;
}
