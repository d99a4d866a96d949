/** The relay's schema as text: what it holds, and who may do what with it. Sorted, without what differs by server. */
import type pg from 'pg';

/** Each gives lines in the column `line`. */
const PARTS: Readonly<Record<string, string>> = {
  columns: `
    SELECT format('%s.%s %s%s%s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
      CASE WHEN a.attnotnull THEN ' not null' ELSE '' END,
      coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '')) AS line
    FROM pg_class AS c
    JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum
    WHERE c.relnamespace = 'dash_relay'::regnamespace AND c.relkind = 'r'
    ORDER BY c.relname COLLATE "C", a.attnum`,
  constraints: `
    SELECT format('%s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) AS line FROM pg_constraint
    WHERE connamespace = 'dash_relay'::regnamespace AND contype <> 'n' ORDER BY 1`,
  indexes: `SELECT indexdef AS line FROM pg_indexes WHERE schemaname = 'dash_relay' ORDER BY indexname COLLATE "C"`,
  'row-level security': `
    SELECT format('%s %s', relname, relrowsecurity) AS line FROM pg_class
    WHERE relnamespace = 'dash_relay'::regnamespace AND relkind = 'r' ORDER BY relname COLLATE "C"`,
  policies: `
    SELECT format('%s %s %s to %s using %s check %s', tablename, policyname, cmd, roles, qual, with_check) AS line
    FROM pg_policies WHERE schemaname = 'dash_relay' ORDER BY tablename, policyname COLLATE "C"`,
  routines: `
    SELECT format('%s %s%s returns %s', CASE prokind WHEN 'p' THEN 'procedure' ELSE 'function' END,
      oid::regprocedure, CASE WHEN prosecdef THEN ' security definer' ELSE '' END, prorettype::regtype) AS line
    FROM pg_proc WHERE pronamespace = 'dash_relay'::regnamespace ORDER BY proname COLLATE "C"`,
  privileges: `
    SELECT format('%s %s: %s', kind, name, array_to_string(array_agg(grantee || '=' || privilege ORDER BY grantee, privilege), ' ')) AS line
    FROM (
      SELECT 'schema' AS kind, nspname AS name, nspowner AS owner, coalesce(nspacl, acldefault('n', nspowner)) AS acl FROM pg_namespace
        WHERE nspname = 'dash_relay'
      UNION ALL SELECT 'table', relname, relowner, coalesce(relacl, acldefault('r', relowner)) FROM pg_class
        WHERE relnamespace = 'dash_relay'::regnamespace AND relkind = 'r'
      UNION ALL SELECT 'routine', proname, proowner, coalesce(proacl, acldefault('f', proowner)) FROM pg_proc
        WHERE pronamespace = 'dash_relay'::regnamespace) AS objects,
      LATERAL (SELECT CASE e.grantee WHEN 0 THEN 'PUBLIC' ELSE e.grantee::regrole::text END AS grantee, e.privilege_type AS privilege
        FROM aclexplode(acl) AS e WHERE e.grantee <> objects.owner) AS granted
    GROUP BY kind, name ORDER BY kind, name COLLATE "C"`,
  role: `
    SELECT format('%s login %s bypassrls %s superuser %s createrole %s', rolname, rolcanlogin, rolbypassrls, rolsuper, rolcreaterole) AS line
    FROM pg_roles WHERE rolname = 'dash_relay_writer'`,
};

export async function describeSchema(client: pg.Client): Promise<string> {
  let text = '';
  for (const [name, query] of Object.entries(PARTS)) {
    const { rows } = await client.query<{ line: string }>(query);
    text += `# ${name}\n${rows.map(({ line }) => `${line}\n`).join('')}`;
  }
  return text;
}
