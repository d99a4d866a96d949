/** The SQL of docs/identity.md by which a session that Supabase ends is revoked: as it stands there, on a real Postgres. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { revokeCommand } from '../../src/compose/revoke-command.ts';
import { readProjectFile } from '../architecture/source-files.ts';
import { type PostgresServer, startPostgres } from '../support/postgres.ts';
import { runCommand } from '../support/run-command.ts';

const [table = '', sessions = ''] = Array.from(
  readProjectFile('docs/identity.md').matchAll(
    /```sql\n(?<sql>(?:(?!```)[\s\S])*ended_sessions[\s\S]*?)```/g,
  ),
  ({ groups }) => groups?.['sql'] ?? '',
);

let server: PostgresServer;
let directory: string;
beforeAll(async () => {
  server = await startPostgres();
  directory = mkdtempSync(join(tmpdir(), 'ended-sessions-'));
  await server.query(
    'CREATE SCHEMA auth; CREATE TABLE auth.sessions (id uuid PRIMARY KEY, user_id uuid NOT NULL)',
  );
  await server.query(table);
});
beforeEach(() => server.query('TRUNCATE auth.sessions, dash_relay.ended_sessions'));
afterAll(async () => {
  await server.close();
  rmSync(directory, { recursive: true, force: true });
});

const PHONE = '5f0c7c1e-93a1-4a57-8b0e-6f4d1c2b3a99';
const LAPTOP = '9a1d2c3e-0b4f-4d5a-8c6e-7f8091a2b3c4';
const USER = '0b6f1d3a-4c2e-4f7a-9d1b-2a5c8e7f6a01';

it('a session that is deleted is one for the command, until it is an hour old', async () => {
  await server.query('INSERT INTO auth.sessions VALUES ($1, $3), ($2, $3)', [PHONE, LAPTOP, USER]);
  await server.query('DELETE FROM auth.sessions WHERE id = $1', [PHONE]);
  const words = async (): Promise<string[]> =>
    (await server.query<{ word: string }>(sessions)).map((row) => String(Object.values(row)[0]));
  expect(await words()).toEqual([`--session=${PHONE}`]);
  const file = join(directory, 'revocations.json');
  const revoke = await runCommand(revokeCommand, await words(), { REVOCATIONS_FILE: file });
  expect(revoke.code).toBe(0);
  expect(Object.keys(JSON.parse(readFileSync(file, 'utf8')).sessions)).toEqual([PHONE]);
  await server.query("UPDATE dash_relay.ended_sessions SET ended_at = now() - interval '61 minutes'");
  expect(await words()).toEqual([]);
  expect(await server.query('SELECT FROM dash_relay.ended_sessions')).toEqual([]);
});

it('nobody of the app can write or read them', async () => {
  const [grants] = await server.query<{ may: boolean }>(
    "SELECT has_table_privilege('relay', 'dash_relay.ended_sessions', 'SELECT, INSERT, DELETE') AS may",
  );
  expect(grants?.may).toBe(false);
});
