/** `dash-relay migrate` and `dash-relay mirror`, as an operator runs them. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { MirrorFile } from '../../src/mirror/definition.ts';
import { migrate } from '../../src/postgres/migrate.ts';
import { migrateCommand } from '../../src/postgres/migrate-command.ts';
import { mirrorCommand } from '../../src/postgres/mirror-command.ts';
import { type PostgresServer, startPostgres } from '../support/postgres.ts';
import { runCommand } from '../support/run-command.ts';
import { AI_USAGE_LOGS } from './app-table.ts';

const directory = mkdtempSync(join(tmpdir(), 'mirror-'));
const file = join(directory, 'mirror.json');

let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres();
});
afterAll(async () => {
  await server.close();
  rmSync(directory, { recursive: true });
});

function write(content: MirrorFile): void {
  writeFileSync(file, JSON.stringify(content));
}

const COMMANDS = { migrate: migrateCommand, mirror: mirrorCommand };

async function run(environment: Record<string, string>, name: keyof typeof COMMANDS, ...args: string[]) {
  const DATABASE_MIGRATION_URL = server.url('owner');
  return await runCommand(COMMANDS[name], args, { DATABASE_MIGRATION_URL, ...environment });
}

const withFile = { MIRROR_FILE: file };
const settleOne = (epoch: string, startedAt = '2026-11-22T12:00:00Z') =>
  server.query(
    `INSERT INTO dash_relay.usage (epoch, stream_id, user_id, action, model, status, source, input_tokens, output_tokens,
       cache_read_tokens, cache_write_tokens, cache_write_1h_tokens, instance, started_at, ended_at)
     VALUES ($1, 's', gen_random_uuid(), 'chat', 'm', 'done', 'final', 1, 1, 0, 0, 0, 'i', $2, now())`,
    [epoch, startedAt],
  );
const inLogs = async () =>
  (await server.query<{ epoch: string }>("SELECT metadata ->> 'epoch' AS epoch FROM public.ai_usage_logs"))
    .map(({ epoch }) => epoch)
    .toSorted();

it('without a mirror says how one is made', async () => {
  expect(await run({}, 'mirror')).toMatchObject({
    code: 1,
    stderr: 'there is no mirror: run `dash-relay migrate` with MIRROR_FILE, or with --with ai_usage_logs\n',
  });
});

it.each([
  [['--nonsense'], /Unknown option '--nonsense'[\s\S]*Usage: dash-relay mirror/],
  [['--recopy', '--from', '2026-02-30'], /--from is not a date/],
  [['--from', '2026-02-01'], /give both/],
])('wrong words end with 2: %j', async (args, words) => {
  await server.query(AI_USAGE_LOGS.replace('TABLE', 'TABLE IF NOT EXISTS'));
  await run({}, 'migrate', '--with', 'ai_usage_logs');
  const { code, stderr } = await run({}, 'mirror', ...args);
  expect(code).toBe(2);
  expect(stderr).toMatch(words);
});

it('names all columns of a table that the shipped mapping does not fit', async () => {
  await server.query(`
    DROP TRIGGER usage_to_mirror ON dash_relay.usage; DELETE FROM dash_relay.mirror;
    ALTER TABLE public.ai_usage_logs RENAME organization_id TO preschool_id;
    ALTER TABLE public.ai_usage_logs RENAME metadata TO details`);
  const { code, stderr } = await run({}, 'migrate', '--with', 'ai_usage_logs');
  expect(code).toBe(1);
  expect(stderr.split('\n')).toEqual([
    expect.stringContaining('public.ai_usage_logs has no column organization_id'),
    expect.stringContaining('public.ai_usage_logs has no column metadata'),
    'The mirror was left as it is; everything else is migrated.',
    expect.stringContaining('name it in MIRROR_FILE'),
    '',
  ]);
  await server.query(`
    ALTER TABLE public.ai_usage_logs RENAME preschool_id TO organization_id;
    ALTER TABLE public.ai_usage_logs RENAME details TO metadata`);
  expect((await run({}, 'migrate', '--with', 'ai_usage_logs')).code).toBe(0);
});

it('a database with the trigger of a former release gets the mirror, and what it had lost', async () => {
  await migrate(server.url('owner'), { optional: ['ai_usage_logs'] });
  await server.query(`
    DROP TRIGGER usage_to_mirror ON dash_relay.usage; DELETE FROM dash_relay.mirror;
    ALTER TABLE public.ai_usage_logs ADD CONSTRAINT later CHECK (created_at > '2026-11-01')`);
  await settleOne('copied');
  await settleOne('lost', '2026-10-31T00:00:00Z');
  await server.query('ALTER TABLE public.ai_usage_logs DROP CONSTRAINT later');
  expect(await inLogs()).toEqual(['copied']);

  expect(await run({}, 'migrate')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('Runs are mirrored into public.ai_usage_logs.') as string,
  });
  await settleOne('new');
  expect(await run({}, 'mirror', '--recopy', '--from', '2026-01-01')).toMatchObject({
    code: 0,
    stdout: 'copied 2 runs, 0 are refused, 0 wait\npublic.ai_usage_logs: 3 runs copied, 0 wait, 0 refused\n',
  });
  expect(await inLogs()).toEqual(['copied', 'lost', 'new']);
});

it('migrate leaves the mirror as it is where the table does not fit, names it all, and migrates the rest', async () => {
  await server.query('ALTER TABLE public.ai_usage_logs ADD COLUMN preschool_id uuid, ADD COLUMN region text');
  await server.query("UPDATE public.ai_usage_logs SET preschool_id = gen_random_uuid(), region = 'x'");
  await server.query(
    'ALTER TABLE public.ai_usage_logs ALTER preschool_id SET NOT NULL, ALTER region SET NOT NULL',
  );
  const columns = { user_id: 'user_id', ai_model_used: 'model', service_type: { value: 'general' } };
  write({ table: 'public.ai_usage_logs', columns: { ...columns, preschool_id: 'organization_id' } });
  const { code, stdout, stderr } = await run(withFile, 'migrate');
  expect(code).toBe(1);
  expect(stdout).toMatch(/^Nothing to do/);
  expect(stderr.split('\n')).toEqual([
    expect.stringContaining('public.ai_usage_logs.status is NOT NULL without a default'),
    expect.stringContaining('public.ai_usage_logs.preschool_id is NOT NULL, and a run has no value'),
    expect.stringContaining('public.ai_usage_logs.region is NOT NULL without a default'),
    'The mirror was left as it is; everything else is migrated.',
    '',
  ]);
  // A deploy that asked for no mirror is not held up.
  expect((await run({}, 'migrate')).code).toBe(0);

  await settleOne('refused');
  const recopied = await run({}, 'mirror', '--recopy');
  expect(recopied.code).toBe(1);
  expect(recopied.stdout).toMatch(
    /^copied 0 runs, 1 are refused, 0 wait\npublic\.ai_usage_logs: 3 runs copied, 0 wait, 1 refused\nrefused: 1 by SQLSTATE 23502, column preschool_id\nmirror: /,
  );

  write({
    table: 'public.ai_usage_logs',
    columns: { ...columns, status: 'outcome', metadata: 'metadata', preschool_id: 'organization_id' },
    defaults: { preschool_id: '00000000-0000-4000-8000-000000000000', region: 'unknown' },
  });
  expect((await run(withFile, 'migrate')).code).toBe(0);
  expect(await run(withFile, 'mirror', '--recopy')).toMatchObject({
    code: 0,
    stdout: 'copied 1 runs, 0 are refused, 0 wait\npublic.ai_usage_logs: 4 runs copied, 0 wait, 0 refused\n',
  });
  expect(await inLogs()).toEqual(['copied', 'lost', 'new', 'refused']);
});

it('--sql prints what makes the mirror, and making it so is the same', async () => {
  const { code, stdout } = await run(withFile, 'mirror', '--sql');
  expect(code).toBe(0);
  const source = "SELECT prosrc FROM pg_proc WHERE proname = 'mirror_write'";
  const made = await server.query(source);
  await server.query('DROP FUNCTION dash_relay.mirror_write');
  await server.query(stdout);
  expect(await server.query(source)).toEqual(made);
  expect((await run(withFile, 'mirror')).code).toBe(0);
});

it('ERASED_USERS says what it may be, and where deletions are not seen', async () => {
  expect(await run({ ERASED_USERS: 'forget' }, 'migrate')).toMatchObject({
    code: 1,
    stderr: 'ERASED_USERS: must be clear, pseudonymise, keep\n',
  });
  expect(await run({ ERASED_USERS: 'clear' }, 'migrate')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('call dash_relay.erase_user(id)') as string,
  });
});

it('a mirror file that cannot be read changes nothing', async () => {
  expect(await run({ MIRROR_FILE: join(directory, 'absent.json') }, 'migrate')).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^MIRROR_FILE: unable to use the mirror file .*ENOENT/) as string,
  });
});
