/**
 * What one column of the app's table gets, as SQL over a row `run` of dash_relay.usage. What a column could not hold is
 * decided here and not left to Postgres, which would not say which column it was.
 */
import type { Constant, MirrorDefinition, MirrorSource } from './definition.ts';
import { FIELDS, type Field } from './fields.ts';
import type { Column } from './table.ts';

export interface Expression {
  readonly sql: string;
  /** When it has no value; undefined: it always has one. */
  readonly absent: string | undefined;
}

/** A source and a column do not go together: the message says why, and what would. */
export class MappingError extends Error {
  override readonly name = 'MappingError';
}

const UUID = '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$';
const TEXTS = ['text', 'varchar', 'bpchar', 'citext'];
/** The largest whole number by the column's type. */
const INTEGERS: Readonly<Record<string, string>> = {
  int2: '32767',
  int4: '2147483647',
  int8: '9223372036854775807',
};
const JSON_TYPES = ['json', 'jsonb'];

/**
 * The value of a column for a run.
 * @param all columns of the table
 * @throws MappingError
 */
export function expressionOf(
  column: Column,
  definition: MirrorDefinition,
  all: readonly Column[],
): Expression {
  const { columns, defaults, simulated } = definition;
  const source = columns[column.name];
  const fallback = defaults[column.name];
  let { sql, absent } =
    source === undefined
      ? { sql: 'NULL', absent: 'always' }
      : ofSource(source, column, () => withCost(definition, all));
  if (fallback !== undefined) {
    sql = source === undefined ? literal(fallback, column) : `coalesce(${sql}, ${literal(fallback, column)})`;
    absent = undefined;
  }
  const instead = simulated === 'skip' ? undefined : simulated[column.name];
  if (instead !== undefined)
    sql = `CASE WHEN ${FIELDS['simulated']?.sql} THEN ${literal(instead, column)} ELSE ${sql} END`;
  return { sql, absent };
}

function ofSource(source: MirrorSource, column: Column, metadata: () => Field): Expression {
  if ('value' in source) return { sql: literal(source.value, column), absent: undefined };
  const { field: name } = source;
  const field = FIELDS[name];
  if (field === undefined) throw new MappingError(`there is no field ${name}`);
  const { map = {}, otherwise } = 'map' in source || 'otherwise' in source ? source : {};
  const arms = Object.entries(map).map(
    ([word, value]) => `WHEN ${quoted(word)} THEN ${literal(value, column)}`,
  );
  if (otherwise !== undefined) {
    const rest = literal(otherwise, column);
    const sql = arms.length === 0 ? rest : `CASE (${field.sql})::text ${arms.join(' ')} ELSE ${rest} END`;
    return { sql, absent: undefined };
  }
  const own = name === 'metadata' ? metadata() : field;
  const { sql, absent } = fitted(own, name, column);
  if (arms.length === 0) return { sql, absent };
  return { sql: `CASE (${field.sql})::text ${arms.join(' ')} ELSE ${sql} END`, absent };
}

/** The field as the column's type has it. */
function fitted(field: Field, name: string, column: Column): Expression {
  const { kind, sql, absent } = field;
  const { base } = column;
  if (column.isEnum)
    throw new MappingError(
      `is an enum, and ${name} is not: give its words by "map", and one for all others by "otherwise"`,
    );
  if (TEXTS.includes(base)) return { sql: sized(asText(field), column), absent };
  if (JSON_TYPES.includes(base)) return { sql: asJson(field, base), absent };
  if (kind === 'uuid' && base === 'uuid') return { sql, absent };
  if (name === 'organization_id' && base === 'uuid')
    return {
      sql: `CASE WHEN ${sql} ~* '${UUID}' THEN (${sql})::uuid END`,
      absent: `${absent}, or one that is no UUID`,
    };
  if (kind === 'boolean' && base === 'bool') return { sql, absent };
  const number = asNumber(field, column) ?? asTime(field, base);
  if (number !== undefined) return number;
  throw new MappingError(`is ${column.type}, and ${name} is ${KINDS[kind]}`);
}

const KINDS = {
  text: 'text',
  uuid: 'a UUID: take uuid or text',
  integer: 'a whole number: take integer, bigint or numeric',
  number: 'a number of milliseconds: take integer, numeric or double precision',
  dollars: 'US dollars with decimals: take numeric',
  time: 'an instant: take timestamptz, timestamp or date',
  boolean: 'a boolean: take boolean or text',
  json: 'JSON: take jsonb',
} as const;

function asText({ kind, sql }: Field): string {
  if (kind === 'text') return sql;
  if (kind === 'time') return `to_char(${sql} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
  return `(${sql})::text`;
}

function sized(sql: string, { name, length }: Column): string {
  return length === null ? sql : `dash_relay.mirror_text(${sql}, ${length}, ${quoted(name)})`;
}

function asJson({ kind, sql }: Field, base: string): string {
  const json = kind === 'json' ? sql : `to_jsonb(${sql})`;
  return base === 'json' ? `(${json})::json` : json;
}

function asNumber({ kind, sql, absent }: Field, column: Column): Expression | undefined {
  const { base } = column;
  const isCount = kind === 'integer' || kind === 'number';
  if (!isCount && kind !== 'dollars') return undefined;
  if (base === 'float4' || base === 'float8') return { sql, absent };
  const whole = INTEGERS[base];
  // What a column cannot hold of tokens and milliseconds is its largest number.
  if (whole !== undefined) {
    if (!isCount) return undefined;
    const value = atMost(sql, whole);
    return { sql: kind === 'number' ? `round(${value})` : value, absent };
  }
  if (base !== 'numeric') return undefined;
  const limit = numericLimit(column);
  if (limit === undefined) return { sql, absent };
  if (isCount) return { sql: atMost(`(${sql})::numeric`, largest(column)), absent };
  // A part of a cost without the whole would mislead.
  return {
    sql: `CASE WHEN run.cost_usd < ${limit} THEN ${sql} END`,
    absent: `${absent}, or the run cost more than ${column.type} holds`,
  };
}

/** Not `least`, which takes an absent value for infinite. */
function atMost(sql: string, most: string): string {
  return `CASE WHEN ${sql} > ${most} THEN ${most} ELSE ${sql} END`;
}

function asTime({ kind, sql, absent }: Field, base: string): Expression | undefined {
  if (kind !== 'time') return undefined;
  if (base === 'timestamptz') return { sql, absent };
  if (base === 'timestamp') return { sql: `(${sql} AT TIME ZONE 'UTC')`, absent };
  return base === 'date' ? { sql: `(${sql} AT TIME ZONE 'UTC')::date`, absent } : undefined;
}

/** What rounds to more than the column holds; undefined: it holds everything. */
function numericLimit({ precision, scale }: Column): string | undefined {
  if (precision === null || scale === null) return undefined;
  return `(1e${precision - scale}::numeric - 5e-${scale + 1}::numeric)`;
}

function largest({ precision, scale }: Column): string {
  return `(1e${(precision ?? 0) - (scale ?? 0)}::numeric - 1e-${scale ?? 0}::numeric)`;
}

/** The metadata, with the exact cost where no column of the app's has it. */
function withCost({ columns }: MirrorDefinition, all: readonly Column[]): Field {
  const { metadata = { sql: 'NULL', kind: 'json' as const } } = FIELDS;
  const holders = all.filter(({ name }) => {
    const source = columns[name];
    return source !== undefined && 'field' in source && source.field === 'cost_usd';
  });
  const limits = holders.map(numericLimit);
  if (limits.includes(undefined)) return metadata;
  const isNowhere = limits.map((limit) => `run.cost_usd >= ${limit}`).join(' AND ') || 'true';
  const cost = `CASE WHEN ${isNowhere} THEN run.cost_usd END`;
  return {
    ...metadata,
    sql: `(${metadata.sql} || jsonb_strip_nulls(jsonb_build_object('cost_usd', ${cost})))`,
  };
}

/** A value as text of SQL, of the column's type. @throws MappingError where the column is too short for it */
export function literal(value: Constant, column: Column): string {
  const isJson = JSON_TYPES.includes(column.base);
  const text = isJson || typeof value === 'object' ? JSON.stringify(value) : String(value);
  if (column.length !== null && text.length > column.length)
    throw new MappingError(`is ${column.type}, and "${text}" is longer: take a shorter value`);
  if (column.isEnum && !column.labels.includes(text))
    throw new MappingError(`has no "${text}" among its words: ${column.labels.join(', ')}`);
  return `${quoted(text)}::${column.type}`;
}

/** All that the mirror file writes into a column as it stands. */
export function constantsOf(column: Column, { columns, defaults, simulated }: MirrorDefinition): Constant[] {
  const { name } = column;
  const source = columns[name];
  const own =
    source === undefined
      ? []
      : 'value' in source
        ? [source.value]
        : 'map' in source
          ? [...Object.values(source.map ?? {}), source.otherwise]
          : [];
  const instead = simulated === 'skip' ? undefined : simulated[name];
  return [...own, defaults[name], instead].filter((value) => value !== undefined);
}

/** A text of SQL, whatever is in it. */
export function quoted(text: string): string {
  const doubled = text.replaceAll("'", "''");
  return text.includes('\\') ? `E'${doubled.replaceAll('\\', '\\\\')}'` : `'${doubled}'`;
}
