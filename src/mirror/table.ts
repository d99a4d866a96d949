/** The app's table as Postgres describes it: its columns, and what the role that copies may do there. Reads catalogs only. */
import type { RunStatement } from '../postgres/pool.ts';
import type { MirrorDefinition } from './definition.ts';

export interface Column {
  readonly name: string;
  /** As SQL writes it, with its schema where it is not one of Postgres's own: `numeric(8,6)`. */
  readonly type: string;
  /** Without its measures, and of a domain the type below: `numeric`. */
  readonly base: string;
  readonly isEnum: boolean;
  readonly labels: readonly string[];
  /** Characters a text may have; digits of a `numeric`, and those after the point. */
  readonly length: number | null;
  readonly precision: number | null;
  readonly scale: number | null;
  readonly notNull: boolean;
  readonly hasDefault: boolean;
  /** Postgres computes it, and takes no other value. */
  readonly computed: boolean;
  readonly mayInsert: boolean;
}

export interface AppTable {
  /** Who copies: the owner of the statement, or whoever asks where there is none yet. */
  readonly role: string;
  readonly mayUseSchema: boolean;
  /** Row-level security applies to the role, and no policy lets it insert. */
  readonly shutByPolicies: boolean;
  readonly columns: readonly Column[];
}

/** 16384 and up: objects of users. */
const TABLE = `
  WITH role AS (
    SELECT r.* FROM pg_roles AS r WHERE r.oid = coalesce(
      (SELECT p.proowner FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
        WHERE n.nspname = 'dash_relay' AND p.proname = 'mirror_copy'),
      (SELECT u.oid FROM pg_roles AS u WHERE u.rolname = current_user)))
  SELECT role.rolname AS role,
    has_schema_privilege(role.oid, n.oid, 'USAGE') AS "mayUseSchema",
    c.relrowsecurity AND NOT role.rolsuper AND NOT role.rolbypassrls
      AND (c.relforcerowsecurity OR NOT pg_has_role(role.oid, c.relowner, 'USAGE'))
      AND NOT EXISTS (
        SELECT FROM pg_policy AS p WHERE p.polrelid = c.oid AND p.polpermissive AND p.polcmd IN ('a', '*')
          AND EXISTS (SELECT FROM unnest(p.polroles) AS o WHERE o = 0 OR pg_has_role(role.oid, o, 'USAGE')))
      AS "shutByPolicies",
    (SELECT json_agg(json_build_object(
        'name', a.attname,
        'type', CASE WHEN t.oid < 16384 THEN format_type(a.atttypid, a.atttypmod)
          ELSE format('%I.%I', tn.nspname, t.typname) END,
        'base', b.typname,
        'isEnum', b.typtype = 'e',
        'labels', (SELECT coalesce(json_agg(e.enumlabel), '[]') FROM pg_enum AS e WHERE e.enumtypid = b.oid),
        'length', CASE WHEN b.typname IN ('varchar', 'bpchar') AND m.typmod > 4 THEN m.typmod - 4 END,
        'precision', CASE WHEN b.typname = 'numeric' AND m.typmod > 4 THEN (m.typmod - 4) >> 16 & 65535 END,
        'scale', CASE WHEN b.typname = 'numeric' AND m.typmod > 4 THEN (m.typmod - 4) & 2047 END,
        'notNull', a.attnotnull OR t.typnotnull,
        'hasDefault', a.atthasdef OR a.attidentity <> '' OR t.typdefault IS NOT NULL,
        'computed', a.attgenerated <> '' OR a.attidentity = 'a',
        'mayInsert', has_column_privilege(role.oid, c.oid, a.attnum, 'INSERT')
      ) ORDER BY a.attnum)
      FROM pg_attribute AS a
      JOIN pg_type AS t ON t.oid = a.atttypid
      JOIN pg_namespace AS tn ON tn.oid = t.typnamespace
      JOIN pg_type AS b ON b.oid = coalesce(nullif(t.typbasetype, 0), t.oid),
      LATERAL (SELECT CASE WHEN t.typbasetype = 0 THEN a.atttypmod ELSE t.typtypmod END AS typmod) AS m
      WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns
  FROM role, pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
  WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p', 'v', 'f')`;

/** Undefined: there is no such table. */
export async function describeTable(query: RunStatement, table: string): Promise<AppTable | undefined> {
  const { rows } = await query(TABLE, table.split('.'));
  return rows[0] as AppTable | undefined;
}

const COUNTERS = `
  SELECT has_function_privilege($3::name, p.oid, 'EXECUTE') AS "mayCall"
  FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
  WHERE n.nspname = $1 AND p.proname = $2 AND p.prokind = 'f' AND p.pronargs = 1
    AND p.proargtypes[0] = (
      SELECT u.reltype FROM pg_class AS u JOIN pg_namespace AS un ON un.oid = u.relnamespace
      WHERE un.nspname = 'dash_relay' AND u.relname = 'usage')`;

/** What is wrong with the function that counts; undefined: nothing. */
export async function countersProblem(
  query: RunStatement,
  { counters }: MirrorDefinition,
  role: string,
): Promise<string | undefined> {
  if (counters === undefined) return undefined;
  const [found] = (await query(COUNTERS, [...counters.split('.'), role])).rows as { mayCall: boolean }[];
  if (found === undefined)
    return `counters: there is no function ${counters}(dash_relay.usage): create it, or take "counters" out of the mirror file`;
  if (found.mayCall) return undefined;
  return `counters: the role ${role} may not call ${counters}: GRANT EXECUTE ON FUNCTION ${counters}(dash_relay.usage) TO ${role}`;
}
