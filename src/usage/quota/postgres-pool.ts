/** The quotas' own connections: small and always warm, so that no start waits behind a batch of usage rows or a handshake. */
import pg from 'pg';
import type { RunQuery } from './postgres-counts.ts';

export interface QuotaPool {
  readonly query: RunQuery;
  close(): Promise<void>;
}

const TIMEOUT_MS = 5000;

/**
 * Opens nothing yet: connections come with the first statements.
 * @param onError of an idle connection; it is replaced when it is needed
 */
export function openQuotaPool(
  connectionString: string,
  max: number,
  onError: (cause: unknown) => void,
): QuotaPool {
  const pool = new pg.Pool({
    connectionString,
    max,
    connectionTimeoutMillis: TIMEOUT_MS,
    query_timeout: TIMEOUT_MS,
    idleTimeoutMillis: 0,
    keepAlive: true,
  });
  pool.on('error', onError);
  return { query: (text, values) => pool.query(text, [...values]), close: () => pool.end() };
}
