import { expect, it } from 'vitest';
import { handshake, openHandshake, openRaw, type RawClient } from './raw-client.ts';
import { startServer } from './start-server.ts';

const CROWD = 100;
/** A turn has two places where work is done at once: where sockets are read, and where those are served who wait. */
const FEW = CROWD / 3;

/** Counts what happens by turns of the event loop. */
class TurnTally {
  readonly turns: number[] = [];
  #now = 0;

  count(): void {
    this.#now += 1;
    if (this.#now > 1) return;
    setImmediate(() => {
      this.turns.push(this.#now);
      this.#now = 0;
    });
  }
}

const crowdOf = (open: () => Promise<RawClient>): Promise<RawClient[]> =>
  Promise.all(Array.from({ length: CROWD }, open));

it('judges handshakes that come in the same instant a few in a turn, and serves them all', async () => {
  const { port, authenticator } = await startServer();
  const tally = new TurnTally();
  const verify = authenticator.verify.bind(authenticator);
  authenticator.verify = (token) => {
    tally.count();
    return verify(token);
  };
  const clients = await crowdOf(() => openRaw(port));
  for (const client of clients) client.send(handshake());
  await Promise.all(clients.map((client) => client.until('HTTP/1.1 101')));
  expect(Math.max(...tally.turns)).toBeLessThan(FEW);
});

it('refuses those that come in the same instant a few in a turn', async () => {
  const { port, observer } = await startServer();
  const tally = new TurnTally();
  const refused = observer.refused.bind(observer);
  observer.refused = (event) => {
    tally.count();
    refused(event);
  };
  const clients = await crowdOf(() => openRaw(port));
  for (const client of clients) client.send(handshake({ path: '/nowhere' }));
  await Promise.all(clients.map((client) => client.until('HTTP/1.1 404')));
  expect(Math.max(...tally.turns)).toBeLessThan(FEW);
});

it('takes connections down that are cut in the same instant a few in a turn', async () => {
  const { port, core, server } = await startServer();
  const clients = await crowdOf(() => openHandshake(port));
  const tally = new TurnTally();
  const closed = core.connections.map((connection) => connection.closeCode().finally(() => tally.count()));
  for (const { socket } of clients) socket.destroy();
  expect(new Set(await Promise.all(closed))).toEqual(new Set([1006]));
  expect(server.connections).toBe(0);
  expect(Math.max(...tally.turns)).toBeLessThan(FEW + 1);
});
