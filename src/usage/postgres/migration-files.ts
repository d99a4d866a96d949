/** The migrations that ship with the relay: plain SQL with names as `supabase db push` takes them. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';

export interface Migration {
  /** The time it was written: they are applied in that order. */
  readonly version: string;
  readonly name: string;
  readonly sql: string;
  /** SHA-256 of the file. */
  readonly checksum: string;
}

const DIRECTORY = new URL('../migrations/', import.meta.url);
const OPTIONAL_DIRECTORY = new URL('./optional/', DIRECTORY);
const FILE_NAME = /^(\d{14})_(\w+)\.sql$/;

export function shippedMigrations(): Migration[] {
  return readDirectory(DIRECTORY);
}

/** Those an operator asks for by name. */
export function optionalMigrations(): Migration[] {
  return readDirectory(OPTIONAL_DIRECTORY);
}

function readDirectory(directory: URL): Migration[] {
  return readdirSync(directory)
    .toSorted()
    .flatMap((file) => {
      const [, version, name] = FILE_NAME.exec(file) ?? [];
      if (version === undefined || name === undefined) return [];
      const sql = readFileSync(new URL(file, directory), 'utf8');
      return [{ version, name, sql, checksum: createHash('sha256').update(sql).digest('hex') }];
    });
}
