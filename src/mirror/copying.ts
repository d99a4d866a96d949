/** What a database says of its mirror, and the one statement by which runs are copied. */
import type { RunStatement } from '../postgres/pool.ts';

/** Why runs were refused, and how many. Names of the app's table, never a value. */
export interface Refusals {
  readonly sqlstate: string;
  readonly column: string | null;
  readonly constraint: string | null;
  readonly rows: number;
}

export interface Copied {
  /** Tried now; 0: none is due. */
  readonly taken: number;
  readonly copied: number;
  /** Of runs that failed for the first time. */
  readonly causes: readonly Refusals[];
  /** Not copied yet, of all. */
  readonly waiting: number;
  readonly failed: number;
}

/** Runs a statement copies: they share the app's locks for that long. */
export const BATCH = 200;

const COPY = `
  SELECT taken, copied, causes, waiting::double precision AS waiting, failed::double precision AS failed
  FROM dash_relay.mirror_copy($1)`;

/** Copies up to so many of the runs that are due. Undefined: there is no mirror. @throws Error of the driver or of Postgres */
export async function copyRuns(query: RunStatement, limit: number): Promise<Copied | undefined> {
  return (await query(COPY, [limit])).rows[0] as Copied | undefined;
}

/** `SQLSTATE 23502, column school_id` */
export function describeRefusal({ sqlstate, column, constraint }: Omit<Refusals, 'rows'>): string {
  return [
    `SQLSTATE ${sqlstate}`,
    ...(column === null ? [] : [`column ${column}`]),
    ...(constraint === null ? [] : [`constraint ${constraint}`]),
  ].join(', ');
}
