import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createCertificate } from '../../../bench/certificate.ts';
import { openPostgresPool } from '../../../src/usage/postgres/pool.ts';
import { type PostgresServer, startPostgres } from '../../support/postgres.ts';

const ENCRYPTED = 'SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()';

let server: PostgresServer;
let directory: string;
const certificate = createCertificate();

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'certificates-'));
  server = await startPostgres({ certificate });
});
afterAll(async () => {
  await server.close();
  rmSync(directory, { recursive: true });
});

async function encrypted(authority: string): Promise<unknown> {
  const file = join(directory, 'root.crt');
  writeFileSync(file, authority);
  const url = `${server.url('relay')}?sslmode=verify-full&sslrootcert=${file}`;
  const pool = openPostgresPool(url, 1, () => {});
  try {
    return (await pool.query(ENCRYPTED, [])).rows;
  } finally {
    await pool.close();
  }
}

it('sslmode=verify-full encrypts to the server that its authority vouches for', async () => {
  expect(await encrypted(certificate.cert)).toEqual([{ ssl: true }]);
});

it('a server of another authority is refused', async () => {
  await expect(encrypted(createCertificate().cert)).rejects.toThrow(/certificate/);
});
