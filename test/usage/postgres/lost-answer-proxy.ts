/** A TCP proxy before Postgres that forwards a statement, lets it commit, and cuts the connection in place of the answer. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';

export interface LostAnswerProxy {
  readonly port: number;
  /** Answers that were lost so far. */
  readonly lost: number;
  close(): Promise<void>;
}

/** A statement that sends rows: the first of them begins its list. */
const SENDS_ROWS = /INSERT INTO dash_relay\.usage .*\[\{/s;
/** Postgres's word for a statement that is done; that of a single statement comes behind its commit. */
const COMMITTED = 'SELECT 1\0';

/**
 * @param losses how many answers are lost
 * @param statement whose; by default of inserts, but for those without rows
 */
export async function startLostAnswerProxy(
  target: number,
  losses: number,
  statement = SENDS_ROWS,
): Promise<LostAnswerProxy> {
  let lost = 0;
  const server = createServer((client) => {
    const postgres = connect(target, '127.0.0.1');
    /** Since the last answer. */
    let asked = '';
    client
      .on('data', (bytes: Buffer) => {
        asked += bytes.toString('latin1');
        postgres.write(bytes);
      })
      .on('error', () => {})
      .on('close', () => postgres.destroy());
    postgres.on('error', () => {}).on('close', () => client.destroy());
    postgres.on('data', (bytes: Buffer) => {
      const committed = bytes.toString('latin1').includes(COMMITTED);
      if (lost < losses && committed && statement.test(asked)) {
        lost += 1;
        client.resetAndDestroy();
        return;
      }
      if (committed) asked = '';
      client.write(bytes);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    get lost() {
      return lost;
    },
    close: () => new Promise((resolve) => void server.close(() => resolve())),
  };
}
