import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openPostgresPool } from '../../../src/postgres/pool.ts';
import { createCertificate } from '../../support/certificate.ts';
import { type PostgresServer, startPostgres } from '../../support/postgres.ts';
import { relayProgram } from '../../support/relay-program.ts';
import { eventually } from '../../support/test-run.ts';

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
  const program = await relayProgram('cli');
  const url = `${server.url('owner')}?sslmode=verify-full`;
  const migrate = (extra: NodeJS.ProcessEnv) =>
    promisify(execFile)(process.execPath, [program, 'migrate'], {
      env: { PATH: process.env['PATH'], DATABASE_MIGRATION_URL: url, ...extra },
    });
  await expect(migrate({})).rejects.toThrow(/certificate/);
  const { stdout } = await migrate({ NODE_EXTRA_CA_CERTS: trusted(certificate.cert) });
  expect(stdout).toContain('Nothing to do');
});

it('a server of another authority is refused', async () => {
  await expect(encrypted(createCertificate().cert)).rejects.toThrow(/certificate/);
});

it('a certificate is replaced without a restart: sslrootcert is read with each connection', async () => {
  const url = `${server.url('relay')}?sslmode=verify-full&sslrootcert=${trusted(certificate.cert)}`;
  const pool = openPostgresPool(url, 1, () => {});
  expect((await pool.query(ENCRYPTED, [])).rows).toEqual([{ ssl: true }]);
  const next = createCertificate();
  const [{ folder = '' } = {}] = await server.query<{ folder: string }>(
    "SELECT setting AS folder FROM pg_settings WHERE name = 'data_directory'",
  );
  writeFileSync(join(folder, 'server.crt'), next.cert);
  writeFileSync(join(folder, 'server.key'), next.key);
  await server.query('SELECT pg_reload_conf()');
  const ended = () =>
    server.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'relay'");
  const answer = () =>
    pool.query(ENCRYPTED, []).then(
      ({ rows }) => JSON.stringify(rows),
      (error: Error) => error.message,
    );
  await eventually('the file of before is no authority any more', async () => {
    await ended();
    return /certificate/.test(await answer());
  });
  trusted(next.cert);
  await eventually('the new one is', async () => (await answer()) === '[{"ssl":true}]');
  await pool.close();
});
