/** What a failed insert means for the rows in it. Codes: https://www.postgresql.org/docs/current/errcodes-appendix.html */

/** Data exceptions, integrity violations, limits of one row (54), what a trigger of the operator raises (P0). */
const OF_A_ROW: ReadonlySet<string> = new Set(['22', '23', '54', 'P0']);
/** Schema, table or column is not there, or not for us. */
const NOT_MIGRATED: ReadonlySet<string> = new Set(['3F000', '42P01', '42703', '42501']);
const IDENTIFIER = /^\w{1,63}$/;

export type FailureKind =
  /** Some row cannot be stored; the others can. */
  | 'row'
  /** `npm run migrate` is due, or a grant. */
  | 'schema'
  /** Postgres is away, or not for us at this moment. */
  | 'outage';

export function failureKind(error: unknown): FailureKind {
  const code = field(error, 'code');
  if (code === undefined) return 'outage';
  if (NOT_MIGRATED.has(code)) return 'schema';
  return code.length === 5 && OF_A_ROW.has(code.slice(0, 2)) ? 'row' : 'outage';
}

/** The code and the name of what was violated: never the message, which quotes the row. */
export function failureReason(error: unknown): string {
  const names = ['code', 'table', 'column', 'constraint'].flatMap((name) => field(error, name) ?? []);
  return names.join(' ') || 'no answer';
}

function field(error: unknown, name: string): string | undefined {
  const value = error instanceof Error ? (error as Error & Record<string, unknown>)[name] : undefined;
  return typeof value === 'string' && IDENTIFIER.test(value) ? value : undefined;
}
