/** A real Postgres for one test file, with pools on it as quotas have them. */
import { openPostgresPool, type PostgresPool, type RunStatement } from '../../../src/postgres/pool.ts';
import type { QuotaHolder } from '../../../src/quota/port.ts';
import * as support from '../../support/postgres.ts';

export interface PostgresServer {
  readonly port: number;
  /** On a pool of its own, as one more relay has it. @param port of a proxy in front of the server */
  relay(port?: number): PostgresPool;
  readonly url: string;
  /** As the owner of the tables. */
  readonly query: RunStatement;
  /** `[used, reserved]` of a user's tokens of the day. */
  standing(holder: QuotaHolder): Promise<readonly [number, number]>;
  close(): Promise<void>;
}

export async function startPostgres(): Promise<PostgresServer> {
  const server = await support.startPostgres();
  const admin = openPostgresPool(server.url('owner'), 1, () => {});
  return {
    port: server.port,
    url: server.url('relay'),
    relay: (port) => openPostgresPool(server.url('relay', port), 5, () => {}),
    query: admin.query,
    async standing({ userId }) {
      const { rows } = await admin.query(
        'SELECT used, reserved FROM dash_relay.quota_counters WHERE key = $1 AND length(period) = 10',
        [`tokens:user:${userId}`],
      );
      const [row] = rows as { used: string; reserved: string }[];
      return [Number(row?.used ?? 0), Number(row?.reserved ?? 0)];
    },
    async close() {
      await admin.close();
      await server.close();
    },
  };
}
