/** The database of an app with schools, as Supabase has it: its roles, its tables, and the view that the app writes. */
import { randomUUID } from 'node:crypto';
import { migrate } from '../../src/postgres/migrate.ts';
import { type PostgresServer, startPostgres } from '../support/postgres.ts';

const ROLES = `
  CREATE ROLE anon NOLOGIN; CREATE ROLE authenticated NOLOGIN; CREATE ROLE service_role NOLOGIN;
  CREATE ROLE supabase_auth_admin LOGIN PASSWORD 'password' NOINHERIT;
  ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON FUNCTIONS TO anon, authenticated;
  ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO anon, authenticated`;

/** Row-level security is on, and lets nobody in but the owner: the view is all that others see. */
const TABLES = `
  CREATE TABLE public.schools (id uuid PRIMARY KEY, plan text);
  CREATE TABLE public.profiles (id uuid PRIMARY KEY, tier text, school uuid REFERENCES public.schools, notes text);
  CREATE TABLE public.members (member uuid, school uuid, is_primary boolean NOT NULL DEFAULT false);
  ALTER TABLE public.schools ENABLE ROW LEVEL SECURITY;
  ALTER TABLE public.profiles ENABLE ROW LEVEL SECURITY;
  ALTER TABLE public.members ENABLE ROW LEVEL SECURITY`;

/** The school's plan before the user's own. */
export const VIEW = `
  CREATE OR REPLACE VIEW dash_relay.identity AS
    SELECT p.id AS user_id, coalesce(s.plan, p.tier) AS tier, p.school::text AS organization_id
    FROM public.profiles AS p LEFT JOIN public.schools AS s ON s.id = p.school`;

export const PREMIUM_SCHOOL = randomUUID();
export const POOR_SCHOOL = randomUUID();

export const USERS = {
  /** By the school's plan. */
  teacher: randomUUID(),
  /** Of a school without a plan: by their own. */
  parent: randomUUID(),
  /** In no school. */
  tutor: randomUUID(),
  /** A row, and nothing in it. */
  empty: randomUUID(),
  /** No row. */
  stranger: randomUUID(),
} as const;

/** A server with the app's tables, its rows, and the optional migration `identity`; the view is the app's. */
export async function startSchoolApp(): Promise<PostgresServer> {
  const server = await startPostgres({ migrated: false });
  await server.query(ROLES);
  await migrate(server.url('owner'), { optional: ['identity'] });
  await server.query("CREATE ROLE relay LOGIN PASSWORD 'password' IN ROLE dash_relay_writer");
  await server.query(TABLES);
  await server.query(VIEW);
  await server.query('GRANT SELECT ON dash_relay.identity TO dash_relay_writer');
  await server.query('INSERT INTO public.schools VALUES ($1, $2), ($3, NULL)', [
    PREMIUM_SCHOOL,
    'school_premium',
    POOR_SCHOOL,
  ]);
  await server.query(
    "INSERT INTO public.profiles VALUES ($1, 'free', $5), ($2, 'parent_plus', $6), ($3, 'professional', NULL), ($4, NULL, NULL)",
    [USERS.teacher, USERS.parent, USERS.tutor, USERS.empty, PREMIUM_SCHOOL, POOR_SCHOOL],
  );
  return server;
}
