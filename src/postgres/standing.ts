/**
 * How a database stands with the relay's own user: who that is, what it may, how many connections are left, and which
 * migrations it lacks. Reads catalogs and the list of migrations, and changes nothing.
 */
import pg from 'pg';
import { failureKind } from './failure.ts';
import { type Migration, shippedMigrations } from './migration-files.ts';
import type { RunStatement } from './pool.ts';

export interface Standing {
  readonly user: string;
  /** Of the server, as `18.4`. */
  readonly version: string;
  readonly isSuperuser: boolean;
  /** Whether the tables of the relay are this user's, who then may change and drop them. */
  readonly isOwner: boolean;
  /** Null: the role is not there, as of a database without any migration. */
  readonly isWriter: boolean | null;
  /** Connections that this user may open beside those that all have now. */
  readonly freeConnections: number;
}

const STANDING = `
  SELECT r.rolname AS "user", current_setting('server_version') AS version, r.rolsuper AS "isSuperuser",
    EXISTS (SELECT FROM pg_catalog.pg_class AS c WHERE c.relnamespace = to_regnamespace('dash_relay') AND c.relkind = 'r'
      AND pg_has_role(c.relowner, 'USAGE') AND NOT r.rolsuper) AS "isOwner",
    CASE WHEN to_regrole('dash_relay_writer') IS NULL THEN NULL
      ELSE pg_has_role(to_regrole('dash_relay_writer'), 'USAGE') END AS "isWriter",
    greatest(0, least(
      current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
        - coalesce(current_setting('reserved_connections', true), '0')::int
        - (SELECT coalesce(sum(numbackends), 0) FROM pg_catalog.pg_stat_database),
      CASE WHEN d.datconnlimit < 0 THEN 1e6 ELSE d.datconnlimit - (SELECT numbackends FROM pg_catalog.pg_stat_database
        WHERE datid = d.oid) END,
      CASE WHEN r.rolconnlimit < 0 THEN 1e6 ELSE r.rolconnlimit - (SELECT count(*) FROM pg_catalog.pg_stat_activity
        WHERE usesysid = r.oid) END
    ))::double precision AS "freeConnections"
  FROM pg_catalog.pg_roles AS r, pg_catalog.pg_database AS d
  WHERE r.rolname = current_user AND d.datname = current_database()`;

/** @throws Error of the driver or of Postgres */
export async function standingOf(query: RunStatement): Promise<Standing> {
  const [found] = (await query(STANDING, [])).rows as Standing[];
  if (found === undefined) throw new Error('the database does not say who its user is');
  return found;
}

const APPLIED = 'SELECT version, checksum FROM dash_relay.migrations';
const HAS_TABLES = "SELECT to_regclass('dash_relay.usage') IS NOT NULL AS present";

export type MigrationState =
  | {
      readonly kind: 'listed';
      /** Of this release, and not applied. */
      readonly missing: readonly Migration[];
      /** Applied in another form than that of this release. */
      readonly changed: readonly Migration[];
    }
  /** The user may not see the list, as before the release that lets it; or there is nothing of the relay. */
  | { readonly kind: 'hidden' | 'absent' }
  /** The tables are there without a list: another tool applied the files. */
  | { readonly kind: 'elsewhere' };

/** @throws Error of the driver or of Postgres */
export async function migrationState(query: RunStatement): Promise<MigrationState> {
  const shipped = shippedMigrations();
  try {
    const rows = (await query(APPLIED, [])).rows as Pick<Migration, 'version' | 'checksum'>[];
    const applied = new Map(rows.map(({ version, checksum }) => [version, checksum]));
    const isChanged = ({ version, checksum }: Migration) => (applied.get(version) ?? checksum) !== checksum;
    return {
      kind: 'listed',
      missing: shipped.filter(({ version }) => !applied.has(version)),
      changed: shipped.filter(isChanged),
    };
  } catch (cause) {
    if (failureKind(cause) !== 'schema') throw cause;
    if ((cause as { readonly code?: unknown }).code === '42501') return { kind: 'hidden' };
    const [found] = (await query(HAS_TABLES, [])).rows as { readonly present: boolean }[];
    return { kind: found?.present === true ? 'elsewhere' : 'absent' };
  }
}

/** How connections by this URL are encrypted: the driver never goes on without where it is asked to. */
export function encryptionOf(connectionString: string): 'none' | 'unverified' | 'verified' {
  const { ssl } = new pg.Client({ connectionString }) as { readonly ssl: unknown };
  if (!ssl) return 'none';
  const isUnverified =
    typeof ssl === 'object' && 'rejectUnauthorized' in ssl && ssl.rejectUnauthorized === false;
  return isUnverified ? 'unverified' : 'verified';
}
