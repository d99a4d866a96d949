/** A TCP proxy before Postgres that forwards an insert, lets it commit, and cuts the connection in place of the answer. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';

export interface LostAnswerProxy {
  readonly port: number;
  /** Answers that were lost so far. */
  readonly lost: number;
  close(): Promise<void>;
}

/** Postgres's word for rows that are committed; the answer of a single statement comes behind its commit. */
const COMMITTED = 'INSERT 0 ';

/** @param losses how many answers are lost; those of inserts without rows are not */
export async function startLostAnswerProxy(target: number, losses: number): Promise<LostAnswerProxy> {
  let lost = 0;
  const server = createServer((client) => {
    const postgres = connect(target, '127.0.0.1');
    client
      .on('data', (bytes) => postgres.write(bytes))
      .on('error', () => {})
      .on('close', () => postgres.destroy());
    postgres.on('error', () => {}).on('close', () => client.destroy());
    postgres.on('data', (bytes: Buffer) => {
      const answer = bytes.toString('latin1');
      if (lost < losses && answer.includes(COMMITTED) && !answer.includes(`${COMMITTED}0\0`)) {
        lost += 1;
        client.resetAndDestroy();
      } else client.write(bytes);
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
