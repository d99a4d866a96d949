/**
 * One relay per data directory. The lock is a file lock the kernel takes back when its process dies, however it dies,
 * so that nothing stale is ever left over. Readers (`npm run usage`) do not need it.
 */
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

export interface DirectoryLock {
  /** Idempotent. */
  release(): void;
}

/** @throws Error naming the directory when another process holds it, or when it cannot be written. */
export function lockDirectory(dataDir: string): DirectoryLock {
  let database: DatabaseSync | undefined;
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    database = new DatabaseSync(lockFile(dataDir), { timeout: 0 });
    database.exec('BEGIN EXCLUSIVE');
  } catch (cause) {
    database?.close();
    throw new Error(explain(dataDir, cause), { cause });
  }
  const held = database;
  return {
    release() {
      if (held.isOpen) held.close();
    },
  };
}

/** Whether another process holds it. Takes nothing, and makes no file. */
export function isDirectoryLocked(dataDir: string): boolean {
  if (!existsSync(lockFile(dataDir))) return false;
  const database = new DatabaseSync(lockFile(dataDir), { readOnly: true, timeout: 0 });
  try {
    database.exec('SELECT * FROM sqlite_schema');
    return false;
  } catch (cause) {
    if (isLocked(cause)) return true;
    throw cause;
  } finally {
    database.close();
  }
}

function lockFile(dataDir: string): string {
  return join(dataDir, 'relay.lock');
}

function isLocked(cause: unknown): boolean {
  return cause instanceof Error && cause.message.includes('locked');
}

function explain(dataDir: string, cause: unknown): string {
  const message = cause instanceof Error ? cause.message : String(cause);
  return isLocked(cause)
    ? `the data directory ${dataDir} is in use by another relay; stop that one, or give this one a DATA_DIR of its own`
    : `unable to lock the data directory ${dataDir}: ${message}; check that it is writable and has space`;
}
