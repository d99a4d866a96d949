/** A real Postgres for one test file, with pools on it as quotas have them. */
import { openPostgresPool, type PostgresPool, type RunStatement } from '../../../src/postgres/pool.ts';
import * as support from '../../support/postgres.ts';

export interface PostgresServer {
  readonly port: number;
  /** On a pool of its own, as one more relay has it. @param port of a proxy in front of the server */
  relay(port?: number): PostgresPool;
  readonly url: string;
  /** As the owner of the tables. */
  readonly query: RunStatement;
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
    async close() {
      await admin.close();
      await server.close();
    },
  };
}
