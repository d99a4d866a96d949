import { expect, it } from 'vitest';
import { handshake } from './handshake.ts';
import { openHandshake, openRaw, type RawClient, roundTrip } from './raw-client.ts';
import { startServer } from './start-server.ts';

const CROWD = 100;
/** More than a turn takes: work is done where sockets are read, and again where those are served who wait. */
const FEW = 40;

/** Counts what happens by turns of the event loop. */
class TurnTally {
  all = 0;
  mostInATurn = 0;
  #now = 0;

  count(): void {
    if (this.#now === 0) setImmediate(() => (this.#now = 0));
    this.all += 1;
    this.#now += 1;
    this.mostInATurn = Math.max(this.mostInATurn, this.#now);
  }
}

const crowdOf = (open: () => Promise<RawClient>): Promise<RawClient[]> =>
  Promise.all(Array.from({ length: CROWD }, open));

/** Opens a crowd that then sends the same request in one instant, and waits until each has read `answer`. */
async function sendTogether(port: number, request: string, answer: string): Promise<void> {
  const clients = await crowdOf(() => openRaw(port));
  await roundTrip(port); // behind it all of them are accepted
  for (const client of clients) client.send(request);
  await Promise.all(clients.map((client) => client.until(answer)));
}

function expectAFewInATurn({ all, mostInATurn }: TurnTally): void {
  expect(all).toBe(CROWD);
  expect(mostInATurn).toBeLessThan(FEW);
}

it('judges handshakes that come in the same instant a few in a turn, and serves them all', async () => {
  const { port, authenticator } = await startServer();
  const tally = new TurnTally();
  const verify = authenticator.verify.bind(authenticator);
  authenticator.verify = (token) => {
    tally.count();
    return verify(token);
  };
  await sendTogether(port, handshake(), 'HTTP/1.1 101');
  expectAFewInATurn(tally);
});

it('refuses those that come in the same instant a few in a turn', async () => {
  const { port, observer } = await startServer();
  const tally = new TurnTally();
  const refused = observer.refused.bind(observer);
  observer.refused = (event) => {
    tally.count();
    refused(event);
  };
  await sendTogether(port, handshake({ method: 'POST' }), 'HTTP/1.1 405');
  expectAFewInATurn(tally);
});

it('takes connections down that are cut in the same instant a few in a turn', async () => {
  const { port, core, server } = await startServer();
  const clients = await crowdOf(() => openHandshake(port));
  const tally = new TurnTally();
  const closed = core.connections.map((connection) => connection.closeCode().finally(() => tally.count()));
  for (const { socket } of clients) socket.destroy();
  expect(new Set(await Promise.all(closed))).toEqual(new Set([1006]));
  expect(server.connections).toBe(0);
  expectAFewInATurn(tally);
});

it('asks for each of a crowd, when it comes and when it goes, whether a stream has waited for too long', async () => {
  let asked = 0;
  const { port, core } = await startServer({ flushLate: () => (asked += 1) });
  const clients = await crowdOf(() => openHandshake(port));
  expect(asked).toBe(CROWD);
  const closed = core.connections.map((connection) => connection.closeCode());
  for (const { socket } of clients) socket.destroy();
  await Promise.all(closed);
  expect(asked).toBe(2 * CROWD);
});
