/** Connections to Postgres that a pooler, a restart or a silent network cannot turn into a hang or a crash. */
import pg from 'pg';

export interface PostgresPool {
  /** Connections at most. */
  readonly max: number;
  /** One statement on any connection. Never rejects later than twice TIMEOUT_MS. A failed one loses its connection. */
  query(
    text: string,
    values: readonly unknown[],
  ): Promise<{ readonly rows: readonly unknown[]; readonly rowCount: number | null }>;
  /** Waits for what is under way. */
  close(): Promise<void>;
}

/** To connect, and for each statement. */
export const TIMEOUT_MS = 5000;

/**
 * Opens nothing yet: connections come with the first statements, and stay. Nothing is sent that a pooler in
 * transaction mode would lose or mix up: no SET, no start-up options, no named statements.
 * @param connectionString TLS as its sslmode and sslrootcert say
 * @param onError of an idle connection; it is replaced when it is needed
 */
export function openPostgresPool(
  connectionString: string,
  max: number,
  onError: (cause: unknown) => void,
): PostgresPool {
  const pool = new pg.Pool({
    connectionString,
    max,
    connectionTimeoutMillis: TIMEOUT_MS,
    query_timeout: TIMEOUT_MS,
    idleTimeoutMillis: 0,
    keepAlive: true,
  });
  pool.on('error', onError);
  return { max, query: (text, values) => pool.query(text, [...values]), close: () => pool.end() };
}
