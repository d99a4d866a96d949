import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openPostgresPool } from '../../../src/postgres/pool.ts';
import { createCertificate } from '../../support/certificate.ts';
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

function encrypted(authority: string, mode = 'verify-full'): Promise<unknown> {
  return encryptedBy(`?sslmode=${mode}&sslrootcert=${trusted(authority)}`);
}

/** A file with that certificate. */
function trusted(authority: string): string {
  const file = join(directory, 'root.crt');
  writeFileSync(file, authority);
  return file;
}

async function encryptedBy(options: string): Promise<unknown> {
  const pool = openPostgresPool(`${server.url('relay')}${options}`, 1, () => {});
  try {
    return (await pool.query(ENCRYPTED, [])).rows;
  } finally {
    await pool.close();
  }
}

it('sslmode=verify-full encrypts to the server that its authority vouches for', async () => {
  expect(await encrypted(certificate.cert)).toEqual([{ ssl: true }]);
});

it.each(['require', 'prefer', 'verify-ca'])('sslmode=%s verifies as verify-full does', async (mode) => {
  await expect(encryptedBy(`?sslmode=${mode}`)).rejects.toThrow(/certificate/);
  await expect(encrypted(createCertificate().cert, mode)).rejects.toThrow(/certificate/);
  expect(await encrypted(certificate.cert, mode)).toEqual([{ ssl: true }]);
});

it('without sslmode nothing is encrypted', async () => {
  expect(await encryptedBy('')).toEqual([{ ssl: false }]);
});

it('NODE_EXTRA_CA_CERTS names the authority as well', async () => {
  const file = fileURLToPath(new URL('../../../src/cli.ts', import.meta.url));
  const url = `${server.url('owner')}?sslmode=verify-full`;
  const migrate = (extra: NodeJS.ProcessEnv) =>
    promisify(execFile)(process.execPath, [file, 'migrate'], {
      env: { PATH: process.env['PATH'], DATABASE_MIGRATION_URL: url, ...extra },
    });
  await expect(migrate({})).rejects.toThrow(/certificate/);
  const { stdout } = await migrate({ NODE_EXTRA_CA_CERTS: trusted(certificate.cert) });
  expect(stdout).toContain('Nothing to do');
});

it('a server of another authority is refused', async () => {
  await expect(encrypted(createCertificate().cert)).rejects.toThrow(/certificate/);
});
