import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { IdentityView, type ViewNotice } from '../../src/identity/identity-view.ts';
import { openPostgresPool, type PostgresPool } from '../../src/postgres/pool.ts';
import type { PostgresServer } from '../support/postgres.ts';
import { PREMIUM_SCHOOL, startSchoolApp, USERS } from './school-app.ts';

let server: PostgresServer;
let pool: PostgresPool;
const told: ViewNotice[] = [];
beforeAll(async () => {
  server = await startSchoolApp();
  pool = openPostgresPool(server.url('relay'), 2, () => {});
  await server.query(
    'CREATE SCHEMA hidden; CREATE VIEW hidden.identity AS SELECT * FROM dash_relay.identity',
  );
});
afterEach(() => told.splice(0));
afterAll(async () => {
  await pool.close();
  await server.close();
});

const viewOf = (name: string) => new IdentityView(name, pool.query, (notice) => told.push(notice));

/** A view of the schema public that lives for one test. */
async function withView(definition: string, work: (view: IdentityView) => Promise<void>): Promise<void> {
  await server.query(`CREATE VIEW public.mine ${definition}; GRANT SELECT ON public.mine TO relay`);
  try {
    await work(viewOf('public.mine'));
  } finally {
    await server.query('DROP VIEW public.mine');
  }
}

describe('a view as it should be', () => {
  it('is checked without a word, and read for many users at once', async () => {
    const view = viewOf('dash_relay.identity');
    await view.check();
    await view.checkRows();
    expect(told).toEqual([]);
    const found = await view.read(Object.values(USERS));
    expect(found.get(USERS.teacher)).toEqual({ tier: 'school_premium', organizationId: PREMIUM_SCHOOL });
    expect(found.get(USERS.tutor)).toEqual({ tier: 'professional', organizationId: null });
    expect(found.get(USERS.empty)).toEqual({ tier: null, organizationId: null });
    expect(found.has(USERS.stranger)).toBe(false);
  });

  it('is found without its schema where the search path has it', async () => {
    await withView('AS SELECT * FROM dash_relay.identity', async () => {
      await viewOf('mine').check();
      expect(told).toEqual([]);
    });
  });

  it.each([
    ['uuid, an enum and a number', "p.id AS user_id, 'a'::public.kind AS tier, 42 AS organization_id"],
    ['text', "p.id::text AS user_id, 'a'::varchar(3) AS tier, '42'::text AS organization_id"],
  ])('may have columns of %s', async (_types, columns) => {
    await server.query(`DO $$ BEGIN CREATE TYPE public.kind AS ENUM ('a');
      EXCEPTION WHEN duplicate_object THEN NULL; END $$`);
    await withView(`AS SELECT ${columns} FROM public.profiles AS p`, async (view) => {
      await view.check();
      const found = await view.read([USERS.teacher]);
      expect(found.get(USERS.teacher)).toEqual({ tier: 'a', organizationId: '42' });
    });
  });

  it('is read by the index on its users', async () => {
    const owner = new pg.Client({ connectionString: server.url('owner') });
    await owner.connect();
    await owner.query('SET enable_seqscan = off');
    const { rows } = await owner.query(
      `EXPLAIN SELECT user_id::text FROM dash_relay.identity WHERE user_id = ANY('{${USERS.teacher}}')`,
    );
    await owner.end();
    expect(rows.map((row) => row['QUERY PLAN']).join('\n')).toMatch(/Index.*profiles_pkey/);
  });

  it('gives no more than a little of a long value, and of several rows the first', async () => {
    const long = "repeat('x', 1000000)";
    await withView(
      `AS SELECT p.id AS user_id, t AS tier, o AS organization_id FROM public.profiles AS p,
         (VALUES (${long}, 'b'), ('basic', 'a'), ('pro', NULL)) AS v (t, o)`,
      async (view) => {
        expect((await view.read([USERS.tutor])).get(USERS.tutor)).toEqual({
          tier: 'basic',
          organizationId: 'a',
        });
        expect(told).toEqual([{ kind: 'several_rows' }, { kind: 'several_rows' }]);
      },
    );
    told.splice(0);
    await withView(
      `AS SELECT id AS user_id, ${long} AS tier, NULL AS organization_id FROM public.profiles`,
      async (view) => {
        expect((await view.read([USERS.tutor])).get(USERS.tutor)).toEqual({
          tier: null,
          organizationId: null,
        });
        expect(told).toEqual([{ kind: 'unusable', column: 'tier', why: 'too_long' }]);
      },
    );
  });
});

describe('what is wrong with it is said in words', () => {
  it.each([
    ['public.absent', /there is no view public\.absent .*npm run migrate -- --with identity/],
    ['absent.identity', /there is no view absent\.identity/],
    ['Dash_Relay.identity', /there is no view Dash_Relay\.identity/],
    ['hidden.identity', /hidden\.identity .*USAGE on its schema/i],
    [
      'public.profiles',
      /must have the columns user_id, tier, organization_id: there is no user_id and no org/,
    ],
  ])('%s', async (name, words) => {
    await expect(viewOf(name).check()).rejects.toMatchObject({
      name: 'IdentityViewFault',
      message: expect.stringMatching(words),
    });
  });

  it('without the right to read it', async () => {
    await server.query('REVOKE SELECT ON dash_relay.identity FROM dash_relay_writer');
    await expect(viewOf('dash_relay.identity').check()).rejects.toThrow(
      /dash_relay\.identity may not be read .*GRANT SELECT ON dash_relay\.identity TO dash_relay_writer/,
    );
    await server.query('GRANT SELECT ON dash_relay.identity TO dash_relay_writer');
  });

  it.each([
    ['a user_id that is a number', 'AS SELECT 1 AS user_id, NULL AS tier, NULL AS organization_id'],
    ['a user_id that is JSON', "AS SELECT '{}'::jsonb AS user_id, NULL AS tier, NULL AS organization_id"],
  ])('with %s', async (_what, definition) => {
    await withView(definition, async (view) => {
      await expect(view.check()).rejects.toThrow(/user_id must be a uuid or text/);
    });
  });

  it('one that row-level security empties is told of', async () => {
    await server.query('GRANT SELECT ON public.profiles TO relay');
    await withView(
      `WITH (security_invoker = true) AS
         SELECT id AS user_id, tier, school::text AS organization_id FROM public.profiles`,
      async (view) => {
        await view.check();
        await view.checkRows();
        expect(told).toEqual([{ kind: 'empty' }]);
      },
    );
  });

  it('a server that is away is no fault of the view', async () => {
    await server.stop();
    await expect(viewOf('dash_relay.identity').check()).rejects.not.toMatchObject({
      name: 'IdentityViewFault',
    });
    await server.start();
    await viewOf('dash_relay.identity').check();
  });
});
