import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { ManualClock } from '../../support/manual-clock.ts';
import { type PostgresServer, startPostgres } from '../../support/postgres.ts';
import { eventually } from '../../support/test-run.ts';
import { newDataDir } from '../runs.ts';
import { breathe, epochsIn, manyRuns, type Shipping, startShipping } from './shipping.ts';

const BAD = { userId: 'not-a-uuid' };

let server: PostgresServer;
const opened: { close(): Promise<void> }[] = [];

beforeAll(async () => {
  server = await startPostgres();
});
afterEach(async () => {
  for (const each of opened.splice(0)) await each.close();
  await server.query('TRUNCATE dash_relay.usage');
});
afterAll(() => server.close());

function start(options: { dataDir?: string; clock?: ManualClock } = {}): Shipping {
  const shipping = startShipping({ url: server.url('relay'), ...options });
  opened.push(shipping);
  return shipping;
}

async function until(what: string, clock: ManualClock, probe: () => boolean): Promise<void> {
  await eventually(what, async () => {
    clock.advance(1000);
    await breathe();
    return probe();
  });
}

it.each([0, 1, 499, 998])(
  'of 999 rows the one at place %i that Postgres refuses is set aside, all others arrive',
  async (place) => {
    const shipping = start();
    const runs = manyRuns(999);
    const epochs = await shipping.settle(...runs.with(place, BAD));
    await eventually('done', () => shipping.ledger.outbox.length === 0);
    expect(shipping.ledger.outbox.refused).toBe(1);
    expect(await epochsIn(server)).toEqual(epochs.toSpliced(place, 1).toSorted());
    expect(shipping.events).toEqual([{ kind: 'quarantined', rows: 1, reason: '22P02' }]);
    await eventually('its round ends well', () => shipping.shipper.up);
  },
);

it('a refused row does not hold up those that come after it, and is not sent with each of them', async () => {
  const shipping = start();
  await shipping.settle(BAD);
  await eventually('refused', () => shipping.ledger.outbox.refused === 1);
  const epochs = await shipping.settle(...manyRuns(5));
  await eventually('done', () => shipping.ledger.outbox.length === 0);
  expect(await epochsIn(server)).toEqual(epochs.toSorted());
  expect(shipping.events).toHaveLength(1);
});

it('what was refused is tried again each hour, and arrives when Postgres takes it', async () => {
  const clock = new ManualClock();
  const shipping = start({ clock });
  await server.query('ALTER TABLE dash_relay.usage ADD CONSTRAINT no_chat CHECK (action <> $$chat$$)');
  try {
    await shipping.settle(...manyRuns(7));
    await until('refused', clock, () => shipping.ledger.outbox.refused === 7);
    expect(shipping.events.filter(({ kind }) => kind === 'quarantined')).toHaveLength(7);
    expect(shipping.events[0]).toEqual({ kind: 'quarantined', rows: 1, reason: '23514 usage no_chat' });
  } finally {
    await server.query('ALTER TABLE dash_relay.usage DROP CONSTRAINT no_chat');
  }
  clock.advance(3_600_000);
  await until('taken', clock, () => shipping.ledger.outbox.refused === 0);
  expect(await epochsIn(server)).toHaveLength(7);
  expect(shipping.ledger.outbox.length).toBe(0);
});

it('quarantine survives a restart, without another word for the same row', async () => {
  const dataDir = newDataDir();
  const first = start({ dataDir: dataDir.path });
  await first.settle(BAD, {});
  await eventually('refused', () => first.ledger.outbox.refused === 1);
  await opened.splice(0)[0]?.close();
  const second = start({ dataDir: dataDir.path });
  expect(second.ledger.outbox).toMatchObject({ length: 0, refused: 1 });
  await second.settle({});
  await eventually('shipped', () => second.shipper.up && second.ledger.outbox.length === 0);
  expect(second.ledger.outbox.refused).toBe(1);
  expect(second.events).toEqual([]);
  expect(await epochsIn(server)).toHaveLength(2);
});
