import { createServer, type Server, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { ManualClock } from '../../support/manual-clock.ts';
import { type PostgresServer, startPostgres } from '../../support/postgres.ts';
import { eventually } from '../../support/test-run.ts';
import { newDataDir } from '../runs.ts';
import {
  breathe,
  epochsIn,
  manyRuns,
  type Shipping,
  type ShippingOptions,
  startShipping,
} from './shipping.ts';

let server: PostgresServer;
const opened: Shipping[] = [];

beforeAll(async () => {
  server = await startPostgres();
});
afterEach(async () => {
  for (const shipping of opened.splice(0)) await shipping.close();
  await server.query('TRUNCATE dash_relay.usage');
});
afterAll(() => server.close());

function start(options: Partial<ShippingOptions> = {}): Shipping {
  const shipping = startShipping({ url: server.url('relay'), ...options });
  opened.push(shipping);
  return shipping;
}

/** Backoff by hand: each look moves the clock by a second. */
async function shipped(shipping: Shipping, clock: ManualClock): Promise<void> {
  await eventually('all shipped', async () => {
    clock.advance(1000);
    await breathe();
    return shipping.ledger.outbox.length === 0;
  });
}

async function failing(shipping: Shipping, clock: ManualClock): Promise<void> {
  await eventually('an outage', async () => {
    clock.advance(1000);
    await breathe();
    return shipping.events.length > 0;
  });
}

it('Postgres stopped for an hour loses nothing: what was settled meanwhile arrives when it is back', async () => {
  const clock = new ManualClock();
  const shipping = start({ clock });
  const before = await shipping.settle(...manyRuns(10));
  await shipped(shipping, clock);
  await server.stop();
  try {
    const meanwhile = await shipping.settle(...manyRuns(500));
    await failing(shipping, clock);
    for (let minute = 0; minute < 60; minute += 1) {
      meanwhile.push(...(await shipping.settle(...manyRuns(5))));
      clock.advance(60_000);
      await breathe();
    }
    expect(shipping.ledger.outbox.length).toBe(800);
    await server.start();
    await shipped(shipping, clock);
    expect(await epochsIn(server)).toEqual([...before, ...meanwhile].toSorted());
    expect(shipping.events).toMatchObject([{ kind: 'outage' }, { kind: 'recovered', shipped: 800 }]);
  } finally {
    await server.start();
  }
}, 60_000);

it('a relay that starts while Postgres is down ships what the one before it left', async () => {
  const dataDir = newDataDir();
  await server.stop();
  try {
    const first = startShipping({ url: server.url('relay'), dataDir: dataDir.path });
    const epochs = await first.settle(...manyRuns(20));
    await first.close();
    const clock = new ManualClock();
    const second = start({ dataDir: dataDir.path, clock });
    expect(second.ledger.outbox.length).toBe(20);
    await failing(second, clock);
    await server.start();
    await shipped(second, clock);
    expect(await epochsIn(server)).toEqual(epochs.toSorted());
  } finally {
    await server.start();
  }
});

it('Postgres that holds still is given up after a few seconds, and what it did after all is not there twice', async () => {
  const clock = new ManualClock();
  const shipping = start({ clock });
  await eventually('connected', () => shipping.shipper.up);
  server.pause();
  try {
    const epochs = await shipping.settle(...manyRuns(50));
    await failing(shipping, clock);
    server.resume();
    await shipped(shipping, clock);
    expect(await epochsIn(server)).toEqual(epochs.toSorted());
  } finally {
    server.resume();
  }
}, 40_000);

it('a pooler that accepts and never answers is given up, and does not hold up closing', async () => {
  const sockets: Socket[] = [];
  const pooler = await listening(createServer((socket) => sockets.push(socket)));
  const clock = new ManualClock();
  const shipping = start({ clock, url: server.url('relay', pooler.port) });
  await shipping.settle({});
  await failing(shipping, clock);
  expect(sockets.length).toBeGreaterThan(0);
  const closing = opened.splice(0)[0]?.close();
  await eventually('closed', async () => {
    clock.advance(1000);
    return (await Promise.race([closing?.then(() => 'closed'), breathe().then(() => 'open')])) === 'closed';
  });
  for (const socket of sockets) socket.destroy();
  await pooler.close();
}, 40_000);

it('idle connections killed by the server are replaced without a word', async () => {
  const shipping = start();
  const epochs = await shipping.settle({});
  await eventually('shipped', () => shipping.ledger.outbox.length === 0);
  const killed = await server.query(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'relay'",
  );
  expect(killed.length).toBeGreaterThan(0);
  await breathe();
  epochs.push(...(await shipping.settle({})));
  await eventually('shipped', () => shipping.ledger.outbox.length === 0);
  expect(await epochsIn(server)).toEqual(epochs.toSorted());
});

it('a connection killed in the middle of its transaction costs only the time', async () => {
  const clock = new ManualClock();
  const shipping = start({ clock });
  await eventually('connected', () => shipping.shipper.up);
  // Nobody can insert until this ends.
  const held = server.query('BEGIN; LOCK TABLE dash_relay.usage IN SHARE MODE; SELECT pg_sleep(2); COMMIT');
  await eventually('held', async () => {
    const locks = await server.query(
      "SELECT 1 FROM pg_locks WHERE mode = 'ShareLock' AND granted AND relation IS NOT NULL",
    );
    return locks.length > 0;
  });
  const epochs = await shipping.settle(...manyRuns(30));
  clock.advance(250);
  await eventually('waiting within its statement', async () => {
    const killed = await server.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'relay' AND wait_event_type = 'Lock'",
    );
    return killed.length > 0;
  });
  await held;
  await shipped(shipping, clock);
  expect(await epochsIn(server)).toEqual(epochs.toSorted());
  expect(shipping.events).toEqual([]);
});

async function listening(tcp: Server): Promise<{ port: number; close(): Promise<void> }> {
  tcp.listen(0, '127.0.0.1');
  await new Promise((resolve) => tcp.once('listening', resolve));
  const address = tcp.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    port: address.port,
    close: () => new Promise((resolve) => void tcp.close(() => resolve())),
  };
}
