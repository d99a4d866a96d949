import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { migrate } from '../../src/postgres/migrate.ts';
import { optionalMigrations } from '../../src/postgres/migration-files.ts';
import { type PostgresServer, startPostgres } from '../support/postgres.ts';
import { POOR_SCHOOL, PREMIUM_SCHOOL, startSchoolApp, USERS, VIEW } from './school-app.ts';

let server: PostgresServer;
beforeAll(async () => {
  server = await startSchoolApp();
});
afterEach(() => server.query(VIEW));
afterAll(() => server.close());

interface Issued {
  readonly claims: Record<string, unknown>;
  /** What Postgres logged. */
  readonly warnings: readonly string[];
}

const CLAIMS = { iss: 'https://project.supabase.test/auth/v1', role: 'authenticated', aal: 'aal1' };

/** As Supabase's auth server calls it: its own user, in the transaction of the sign-in, within a time. */
async function issue(
  userId: string,
  given: Record<string, unknown> = {},
  { timeoutMs = 2000, hook = 'dash_relay.access_token_hook' } = {},
): Promise<Issued> {
  const connectionString = server.url('relay').replace('relay:', 'supabase_auth_admin:');
  const client = new pg.Client({ connectionString });
  const warnings: string[] = [];
  client.on('notice', ({ message }) => warnings.push(String(message)));
  await client.connect();
  try {
    await client.query('BEGIN');
    await client.query(`SET LOCAL statement_timeout TO '${timeoutMs}'`);
    const claims = { ...CLAIMS, sub: userId, ...given };
    const event = JSON.stringify({ user_id: userId, claims, authentication_method: 'password' });
    const { rows } = await client.query(`SELECT ${hook}($1) AS issued`, [event]);
    // The sign-in goes on in the same transaction.
    await client.query('SELECT 1');
    await client.query('COMMIT');
    return { claims: rows[0].issued.claims, warnings };
  } finally {
    await client.end();
  }
}

const PROVIDER = { provider: 'email', providers: ['email'] };

describe('tier and school of the tables are in the token', () => {
  it.each<[who: keyof typeof USERS, expected: object]>([
    ['teacher', { tier: 'school_premium', organization_id: PREMIUM_SCHOOL }],
    ['parent', { tier: 'parent_plus', organization_id: POOR_SCHOOL }],
    ['tutor', { tier: 'professional' }],
    ['empty', {}],
    ['stranger', {}],
  ])('%s', async (who, expected) => {
    const { claims, warnings } = await issue(USERS[who], { app_metadata: PROVIDER });
    expect(claims).toEqual({ ...CLAIMS, sub: USERS[who], app_metadata: { ...PROVIDER, ...expected } });
    expect(warnings).toEqual([]);
  });

  const known = { tier: 'school_premium', organization_id: PREMIUM_SCHOOL };

  it.each<[layout: string, given: Record<string, unknown>, more: object]>([
    ['no app_metadata', {}, {}],
    ['null', { app_metadata: null }, {}],
    ['a list', { app_metadata: ['tier'] }, {}],
    ['what the token had before', { app_metadata: { tier: 'free', organization_id: 'old', a: 1 } }, { a: 1 }],
    ['claims of another hook', { role: 'teacher', organization_id: 'top', app_metadata: {} }, {}],
  ])('in place of %s, and every other claim stays', async (_layout, given, more) => {
    const { claims } = await issue(USERS.teacher, given);
    expect(claims).toEqual({ ...CLAIMS, sub: USERS.teacher, ...given, app_metadata: { ...more, ...known } });
  });

  it('a row that says nothing takes away what the token said; no row leaves it', async () => {
    const app_metadata = { tier: 'pro', organization_id: 'old', a: 1 };
    expect((await issue(USERS.empty, { app_metadata })).claims).toMatchObject({ app_metadata: { a: 1 } });
    expect((await issue(USERS.empty, { app_metadata })).claims['app_metadata']).toEqual({ a: 1 });
    expect((await issue(USERS.stranger, { app_metadata })).claims['app_metadata']).toEqual(app_metadata);
  });

  it('of several organisations always the same one, or the one that the view chooses', async () => {
    const [first, second] = [randomUUID(), randomUUID()].toSorted();
    const member = randomUUID();
    await server.query(
      'INSERT INTO public.members VALUES ($1, $3, true), ($1, $2, false), ($1, NULL, false)',
      [member, first, second],
    );
    const columns = "m.member AS user_id, 'basic' AS tier, m.school::text AS organization_id";
    await server.query(
      `CREATE OR REPLACE VIEW dash_relay.identity AS SELECT ${columns} FROM public.members AS m`,
    );
    expect((await issue(member)).claims['app_metadata']).toEqual({ tier: 'basic', organization_id: first });
    await server.query(
      `CREATE OR REPLACE VIEW dash_relay.identity AS SELECT DISTINCT ON (m.member) ${columns}
         FROM public.members AS m ORDER BY m.member, m.is_primary DESC, m.school`,
    );
    expect((await issue(member)).claims['app_metadata']).toEqual({ tier: 'basic', organization_id: second });
  });

  it('what relays take for none is left out', async () => {
    for (const tier of ['', 'x'.repeat(129), 'x'.repeat(2 ** 20)]) {
      await server.query('UPDATE public.profiles SET tier = $2 WHERE id = $1', [USERS.tutor, tier]);
      expect((await issue(USERS.tutor)).claims['app_metadata']).toEqual({});
    }
    await server.query('UPDATE public.profiles SET tier = $2 WHERE id = $1', [USERS.tutor, 'professional']);
  });

  it("a hook of the app's own calls it", async () => {
    await server.query(`
      CREATE OR REPLACE FUNCTION public.own_hook(event jsonb) RETURNS jsonb LANGUAGE sql SET search_path = '' AS $$
        SELECT dash_relay.access_token_hook(jsonb_set(event, '{claims,role}', '"teacher"'))
      $$`);
    const { claims } = await issue(USERS.teacher, {}, { hook: 'public.own_hook' });
    expect(claims).toMatchObject({ role: 'teacher', app_metadata: known });
  });
});

describe('whatever fails, users sign in', () => {
  const given = { app_metadata: { ...PROVIDER, tier: 'pro' } };

  async function signsInWithout(sqlstate: string, options?: { timeoutMs: number }): Promise<void> {
    const { claims, warnings } = await issue(USERS.teacher, given, options);
    expect(claims).toEqual({ ...CLAIMS, sub: USERS.teacher, ...given });
    expect(warnings).toEqual([
      `dash_relay.access_token_hook: user ${USERS.teacher} has no tier and organisation in this token: SQLSTATE ${sqlstate}`,
    ]);
  }
  const viewOf = (tier: string) =>
    `CREATE OR REPLACE VIEW dash_relay.identity AS
       SELECT p.id AS user_id, ${tier} AS tier, p.school::text AS organization_id FROM public.profiles AS p`;

  it('an error in the view', async () => {
    await server.query(viewOf('(1 / (length(p.id::text) - 36))::text'));
    await signsInWithout('22012');
  });

  it('a right that is missing, until it is given again', async () => {
    await server.query('REVOKE SELECT ON dash_relay.identity FROM supabase_auth_admin');
    await signsInWithout('42501');
    await server.query('GRANT SELECT ON dash_relay.identity TO supabase_auth_admin');
    expect((await issue(USERS.teacher, given)).warnings).toEqual([]);
  });

  it('a table that is locked for long, as by a migration', async () => {
    const owner = new pg.Client({ connectionString: server.url('owner') });
    await owner.connect();
    await owner.query('BEGIN; LOCK TABLE public.profiles IN ACCESS EXCLUSIVE MODE');
    await signsInWithout('55P03');
    await owner.end();
  });

  it("a view that is slower than the auth server's own limit", async () => {
    await server.query(viewOf("(SELECT 'slow' FROM pg_sleep(30))"));
    await signsInWithout('57014', { timeoutMs: 300 });
  });

  it('an event that is none', async () => {
    for (const event of ['{}', '{"user_id":"nobody","claims":{}}', '{"user_id":null}', '[]', '3', 'null']) {
      const [row] = await server.query<{ same: unknown }>(
        'SELECT dash_relay.access_token_hook($1) = $1::jsonb AS same',
        [event],
      );
      expect(row).toEqual({ same: true });
    }
  });

  it('a view that is gone', async () => {
    await server.query('ALTER VIEW dash_relay.identity RENAME TO gone');
    await signsInWithout('42P01');
    await server.query('ALTER VIEW dash_relay.gone RENAME TO identity');
  });
});

describe('only the auth server may ask', () => {
  const asRole = async (role: string, sql: string): Promise<unknown> => {
    const client = new pg.Client({ connectionString: server.url('owner') });
    await client.connect();
    try {
      await client.query(`SET ROLE ${role}`);
      return (await client.query(sql)).rows;
    } finally {
      await client.end();
    }
  };
  const CALL = `SELECT dash_relay.access_token_hook('{}')`;
  const READ = 'SELECT * FROM dash_relay.identity';
  const DENIED = { code: '42501' };

  it.each(['anon', 'authenticated', 'service_role'])(
    '%s may neither call it nor read the view',
    async (role) => {
      await expect(asRole(role, CALL)).rejects.toMatchObject(DENIED);
      await expect(asRole(role, READ)).rejects.toMatchObject(DENIED);
    },
  );

  it('the auth server may read the view, which lies above row-level security, and none of the tables', async () => {
    expect(await asRole('supabase_auth_admin', READ)).toHaveLength(4);
    await expect(asRole('supabase_auth_admin', 'SELECT * FROM public.profiles')).rejects.toMatchObject(
      DENIED,
    );
  });

  it('the relay may not call it', async () => {
    await expect(asRole('relay', CALL)).rejects.toMatchObject(DENIED);
  });
});

describe('the migration', () => {
  const sql = optionalMigrations().find(({ name }) => name === 'identity')?.sql ?? '';

  it("may run again, as pasted, and leaves the app's view and the rights on it", async () => {
    await server.query(sql);
    const { claims } = await issue(USERS.teacher);
    expect(claims).toMatchObject({ app_metadata: { tier: 'school_premium' } });
  });

  it('stands alone in a database without Supabase, where its view is empty', async () => {
    const plain = await startPostgres({ migrated: false });
    try {
      await plain.query(sql);
      expect(await plain.query('SELECT * FROM dash_relay.identity')).toEqual([]);
      await migrate(plain.url('owner'), { optional: ['identity'] });
    } finally {
      await plain.close();
    }
  });
});
