/**
 * Makes the mirror in a database, as its owner: the statement that copies, from the mirror file and the table as it is, and
 * the trigger that notes each run. Nothing is changed where the table does not fit.
 */
import type { RunStatement } from '../postgres/pool.ts';
import { checkTable, mappedColumns } from './check.ts';
import { type MirrorDefinition, parseMirror } from './definition.ts';
import { constantsOf, expressionOf, literal, quoted } from './expression.ts';
import type { AppTable } from './table.ts';
import { tryRuns } from './trial.ts';

export interface Installation {
  /** What stands in the way, a sentence each. None: the mirror is there. */
  readonly problems: readonly string[];
}

/** A mirror as a database keeps it. */
export interface InstalledMirror {
  readonly definition: MirrorDefinition;
  /** Types of the app's columns when the statement was made. */
  readonly types: Readonly<Record<string, string>>;
}

const HAS_FORMER = `
  SELECT EXISTS (SELECT FROM pg_trigger AS t
    JOIN pg_class AS c ON c.oid = t.tgrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = 'dash_relay' AND c.relname = 'usage' AND t.tgname = 'usage_to_ai_usage_logs') AS present`;

const HAS_PLACE = `
  SELECT EXISTS (SELECT FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = 'dash_relay' AND c.relname = 'mirror') AS present`;

/** The mirror that is installed; undefined: none, or the database is not migrated yet. */
export async function installedMirror(query: RunStatement): Promise<InstalledMirror | undefined> {
  if (!(await isTrue(query, HAS_PLACE))) return undefined;
  const { rows } = await query('SELECT definition, types FROM dash_relay.mirror', []);
  const [kept] = rows as { definition: unknown; types: Readonly<Record<string, string>> }[];
  return kept && { definition: parseMirror(kept.definition), types: kept.types };
}

/** Whether the trigger of former releases copies, which had one table and one mapping. */
export function hasFormerMirror(query: RunStatement): Promise<boolean> {
  return isTrue(query, HAS_FORMER);
}

async function isTrue(query: RunStatement, question: string): Promise<boolean> {
  const [found] = (await query(question, [])).rows as { readonly present: boolean }[];
  return found?.present === true;
}

/**
 * Installs a mirror in place of the one that is there, if it fits.
 * @param query of one connection of the owner: it begins and ends a transaction
 * @throws Error of Postgres
 */
export async function installMirror(
  query: RunStatement,
  definition: MirrorDefinition,
): Promise<Installation> {
  const { table, problems } = await checkTable(query, definition);
  if (table === undefined || problems.length > 0) return { problems };
  const unfit = await constantProblems(query, definition, table);
  if (unfit.length > 0) return { problems: unfit };
  await query("BEGIN; SET LOCAL lock_timeout = '10s'", []);
  try {
    for (const statement of installation(definition, table)) await query(statement, []);
    const refused = await tryRuns(query, definition);
    await query(refused.length > 0 ? 'ROLLBACK' : 'COMMIT', []);
    return { problems: refused };
  } catch (cause) {
    await query('ROLLBACK', []);
    throw cause;
  }
}

/** Values of the mirror file that Postgres does not take for the type of their column. */
async function constantProblems(
  query: RunStatement,
  definition: MirrorDefinition,
  { columns }: AppTable,
): Promise<string[]> {
  const problems: string[] = [];
  for (const column of columns)
    for (const value of constantsOf(column, definition))
      try {
        await query(`SELECT ${literal(value, column)}`, []);
      } catch (cause) {
        const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
        if (!OF_A_VALUE.test(code)) throw cause;
        problems.push(
          `${definition.table}.${column.name} is ${column.type}, and ${JSON.stringify(value)} is none (SQLSTATE ${code}): give a value of that type`,
        );
      }
  return problems;
}

/** Of what was given: data exceptions, and checks of a domain. */
const OF_A_VALUE = /^2[23]/;

/** What a mirror is made of, a statement each, as a migration of the app may have it. */
export function installation(definition: MirrorDefinition, table: AppTable): string[] {
  return [
    writeFunction(definition, table),
    'REVOKE ALL ON FUNCTION dash_relay.mirror_write FROM PUBLIC',
    `INSERT INTO dash_relay.mirror (definition, types) VALUES (${quoted(JSON.stringify(definition))}, ${quoted(JSON.stringify(typesOf(definition, table)))})
  ON CONFLICT (present) DO UPDATE SET definition = excluded.definition, types = excluded.types, installed_at = now()`,
    'DROP TRIGGER IF EXISTS usage_to_ai_usage_logs ON dash_relay.usage',
    'DROP TRIGGER IF EXISTS usage_to_mirror ON dash_relay.usage',
    `CREATE TRIGGER usage_to_mirror AFTER INSERT ON dash_relay.usage REFERENCING NEW TABLE AS arrived
  FOR EACH STATEMENT EXECUTE FUNCTION dash_relay.mirror_enqueue()`,
    'DROP TRIGGER IF EXISTS mirror_of_deleted ON dash_relay.usage',
    `CREATE TRIGGER mirror_of_deleted AFTER DELETE ON dash_relay.usage REFERENCING OLD TABLE AS gone
  FOR EACH STATEMENT EXECUTE FUNCTION dash_relay.mirror_forget()`,
    'DROP TRIGGER IF EXISTS mirror_of_truncated ON dash_relay.usage',
    `CREATE TRIGGER mirror_of_truncated AFTER TRUNCATE ON dash_relay.usage
  FOR EACH STATEMENT EXECUTE FUNCTION dash_relay.mirror_forget()`,
    FORMER_FAILURES,
    `UPDATE dash_relay.mirror_rows SET state = 'waiting', next_at = now() WHERE state = 'failed'`,
  ];
}

/** What the trigger of former releases could not copy waits now. */
const FORMER_FAILURES = `DO $$
BEGIN
  INSERT INTO dash_relay.mirror_rows (epoch)
    SELECT f.epoch FROM dash_relay.ai_usage_log_failures AS f JOIN dash_relay.usage AS u ON u.epoch = f.epoch
    ON CONFLICT DO NOTHING;
EXCEPTION WHEN undefined_table THEN
  NULL;
END $$`;

/** The types that the statement was made for. */
export function typesOf(definition: MirrorDefinition, { columns }: AppTable): Record<string, string> {
  const mapped = mappedColumns(definition);
  return Object.fromEntries(
    columns.filter(({ name }) => mapped.has(name)).map(({ name, type }) => [name, type]),
  );
}

function writeFunction(definition: MirrorDefinition, table: AppTable): string {
  const [schema = '', name = ''] = definition.table.split('.');
  const mapped = mappedColumns(definition);
  const columns = table.columns.filter((column) => mapped.has(column.name));
  const counters = definition.counters?.split('.').map(identifier).join('.');
  // The app's own triggers and functions find their tables where they are used to.
  return `CREATE OR REPLACE FUNCTION dash_relay.mirror_write(p_epochs text[]) RETURNS void
LANGUAGE plpgsql SET search_path = ${identifier(schema)}, pg_temp AS $mirror$
BEGIN
  INSERT INTO ${identifier(schema)}.${identifier(name)} (${columns.map((column) => identifier(column.name)).join(', ')})
  SELECT
    ${columns.map((column) => expressionOf(column, definition, table.columns).sql).join(',\n    ')}
  FROM dash_relay.usage AS run WHERE run.epoch = ANY (p_epochs);${
    counters === undefined
      ? ''
      : `\n  PERFORM ${counters}(run) FROM dash_relay.usage AS run WHERE run.epoch = ANY (p_epochs);`
  }
END $mirror$`;
}

function identifier(name: string): string {
  return `"${name}"`;
}
