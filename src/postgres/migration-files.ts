/** The migrations that ship with the relay: plain SQL with names as `supabase db push` takes them. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface Migration {
  /** The time it was written: they are applied in that order. */
  readonly version: string;
  readonly name: string;
  readonly sql: string;
  /** SHA-256 of the file. */
  readonly checksum: string;
}

const DIRECTORY = fileURLToPath(new URL('./migrations', import.meta.url));
const FILE_NAME = /^(\d{14})_(\w+)\.sql$/;

export function shippedMigrations(): Migration[] {
  return readDirectory(DIRECTORY);
}

/** Those an operator asks for by name. */
export function optionalMigrations(): Migration[] {
  return readDirectory(join(DIRECTORY, 'optional'));
}

function readDirectory(directory: string): Migration[] {
  return readdirSync(directory)
    .toSorted()
    .flatMap((file) => {
      const [, version, name] = FILE_NAME.exec(file) ?? [];
      if (version === undefined || name === undefined) return [];
      const sql = readFileSync(join(directory, file), 'utf8');
      return [{ version, name, sql, checksum: createHash('sha256').update(sql).digest('hex') }];
    });
}
