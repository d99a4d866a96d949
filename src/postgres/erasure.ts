/**
 * What becomes of the usage rows of a user who is deleted, as the operator chose. Owns the triggers that see it happen; what
 * they do is in `migrations/*_erased_users.sql`.
 */
import type { RunStatement } from './pool.ts';

/**
 * `clear`: the rows of all who are erased have one id, of zeros. `pseudonymise`: those of each user have an id that nothing
 * else has. `keep`: nothing becomes of them.
 */
export const ERASURES = ['clear', 'pseudonymise', 'keep'] as const;
export type Erasure = (typeof ERASURES)[number];

const ARRIVING = `
  DROP TRIGGER IF EXISTS erased_users_await ON dash_relay.usage;
  DROP TRIGGER IF EXISTS erased_users_arrive ON dash_relay.usage`;
const WATCH_ARRIVING = `${ARRIVING};
  CREATE TRIGGER erased_users_await BEFORE INSERT ON dash_relay.usage
    FOR EACH STATEMENT EXECUTE FUNCTION dash_relay.erase_awaits();
  CREATE TRIGGER erased_users_arrive BEFORE INSERT ON dash_relay.usage
    FOR EACH ROW EXECUTE FUNCTION dash_relay.erase_arriving()`;
const DELETED = 'DROP TRIGGER IF EXISTS dash_relay_erase ON auth.users';
/** Supabase keeps the row where it was asked to, and says when that was. */
const SOFTLY_DELETED = 'DROP TRIGGER IF EXISTS dash_relay_erase_softly ON auth.users';
const WATCH_DELETED = `${DELETED};
  CREATE TRIGGER dash_relay_erase AFTER DELETE ON auth.users
    FOR EACH ROW EXECUTE FUNCTION dash_relay.erase_deleted_user()`;
const WATCH_SOFTLY_DELETED = `${SOFTLY_DELETED};
  CREATE TRIGGER dash_relay_erase_softly AFTER UPDATE OF deleted_at ON auth.users
    FOR EACH ROW WHEN (OLD.deleted_at IS NULL AND NEW.deleted_at IS NOT NULL)
    EXECUTE FUNCTION dash_relay.erase_deleted_user()`;
const USERS = `
  SELECT array_agg(a.attname::text) AS columns FROM pg_class AS c
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
  JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  WHERE n.nspname = 'auth' AND c.relname = 'users' HAVING count(*) > 0`;

/**
 * Sets what becomes of them from now on.
 * @param query of the owner, in a transaction
 * @returns whether deletions in auth.users are seen: where that table is not, whoever deletes a user says so
 */
export async function chooseErasure(query: RunStatement, erasure: Erasure): Promise<boolean> {
  const [users] = (await query(USERS, [])).rows as { readonly columns: readonly string[] }[];
  const softly = users?.columns.includes('deleted_at') === true;
  if (erasure === 'keep') {
    await query(ARRIVING, []);
    if (users !== undefined) await query(DELETED, []);
    if (softly) await query(SOFTLY_DELETED, []);
    return users !== undefined;
  }
  await query(
    'INSERT INTO dash_relay.erasure (policy) VALUES ($1) ON CONFLICT (present) DO UPDATE SET policy = excluded.policy',
    [erasure],
  );
  await query(WATCH_ARRIVING, []);
  if (users !== undefined) await query(WATCH_DELETED, []);
  if (softly) await query(WATCH_SOFTLY_DELETED, []);
  return users !== undefined;
}
