/** The name of a data directory: whoever finds reservations under it knows that only its own ledger can settle them. */
import { randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The name, made at first use.
 * @throws Error of the file system
 */
export function relayId(dataDir: string): string {
  const file = join(dataDir, 'relay-id');
  try {
    writeFileSync(file, randomUUID(), { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
  return readFileSync(file, 'utf8').trim();
}
