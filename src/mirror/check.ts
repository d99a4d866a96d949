/**
 * Whether runs fit into the app's table as it is: columns that are not there, of another type, or NOT NULL without a value,
 * rights, row-level security. Each problem is one sentence with what to do. Changes nothing.
 */
import type { RunStatement } from '../postgres/pool.ts';
import type { MirrorDefinition } from './definition.ts';
import { expressionOf, MappingError } from './expression.ts';
import { type AppTable, type Column, countersProblem, describeTable } from './table.ts';

export interface CheckedTable {
  /** Undefined: there is no such table. */
  readonly table: AppTable | undefined;
  readonly problems: readonly string[];
}

/** @throws Error where the catalogs cannot be read */
export async function checkTable(query: RunStatement, definition: MirrorDefinition): Promise<CheckedTable> {
  const table = await describeTable(query, definition.table);
  if (table === undefined) return { table, problems: [noTable(definition.table)] };
  const counters = await countersProblem(query, definition, table.role);
  return {
    table,
    problems: [
      ...rightsProblems(definition, table),
      ...strangers(definition, table.columns),
      ...table.columns.flatMap((column) => columnProblem(column, definition, table) ?? []),
      ...(counters === undefined ? [] : [counters]),
    ],
  };
}

function noTable(table: string): string {
  return `there is no table ${table}: create it, or name another as "table" in the mirror file`;
}

function rightsProblems({ table: name }: MirrorDefinition, table: AppTable): string[] {
  const { role, mayUseSchema, shutByPolicies } = table;
  const [schema] = name.split('.');
  return [
    ...(mayUseSchema
      ? []
      : [`the role ${role} may not use the schema ${schema}: GRANT USAGE ON SCHEMA ${schema} TO ${role}`]),
    ...(shutByPolicies
      ? [
          `row-level security of ${name} lets the role ${role} insert nothing: CREATE POLICY runs_arrive ON ${name} FOR INSERT TO ${role} WITH CHECK (true), or give ${role} BYPASSRLS`,
        ]
      : []),
  ];
}

/** Columns that the mirror file names and the table has not. */
function strangers({ table, ...definition }: MirrorDefinition, columns: readonly Column[]): string[] {
  const there = new Set(columns.map(({ name }) => name));
  return [...mappedColumns(definition)]
    .filter((name) => !there.has(name))
    .map((name) => `${table} has no column ${name}: add it, or take it out of the mirror file`);
}

/** The columns that get something from us. */
export function mappedColumns({
  columns,
  defaults,
  simulated,
}: Pick<MirrorDefinition, 'columns' | 'defaults' | 'simulated'>): ReadonlySet<string> {
  const ofSimulated = simulated === 'skip' ? [] : Object.keys(simulated);
  return new Set([...Object.keys(columns), ...Object.keys(defaults), ...ofSimulated]);
}

function columnProblem(column: Column, definition: MirrorDefinition, table: AppTable): string | undefined {
  const { name, notNull, hasDefault, computed, mayInsert } = column;
  const where = `${definition.table}.${name}`;
  if (!mappedColumns(definition).has(name))
    return notNull && !hasDefault && !computed
      ? `${where} is NOT NULL without a default, and the mirror file gives it nothing: map it to a field, give it a value under "defaults", or drop NOT NULL`
      : undefined;
  if (computed) return `${where} is computed by Postgres: take it out of the mirror file`;
  if (!mayInsert)
    return `the role ${table.role} may not insert into ${where}: GRANT INSERT ON ${definition.table} TO ${table.role}`;
  try {
    const { absent } = expressionOf(column, definition, table.columns);
    if (absent === undefined || !notNull) return undefined;
    return `${where} is NOT NULL, and a run has no value for it where ${absent}: give one under "defaults", or drop NOT NULL`;
  } catch (error) {
    if (!(error instanceof MappingError)) throw error;
    return `${where} ${error.message}`;
  }
}
