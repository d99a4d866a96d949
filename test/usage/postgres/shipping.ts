/** A ledger on disk with a shipper on a real Postgres, for tests. */
import { setTimeout as wait } from 'node:timers/promises';
import { type LocalUsageLedger, openUsageLedger } from '../../../src/ledger/ledger.ts';
import type { UsageIntent } from '../../../src/ledger/port.ts';
import { type ShipperEvents, UsageShipper } from '../../../src/ledger/shipper.ts';
import { postgresUsageSink, type UsageSink } from '../../../src/ledger/usage-sink.ts';
import { openPostgresPool } from '../../../src/postgres/pool.ts';
import { loadPrices } from '../../../src/pricing/prices.ts';
import type { Clock } from '../../../src/time/clock.ts';
import { systemClock } from '../../../src/time/clock.ts';
import type { PostgresServer } from '../../support/postgres.ts';
import { intentOf, newDataDir, readingOf, settlementOf } from '../runs.ts';

export type ShipperEvent =
  | ({ readonly kind: 'outage' } & { readonly of: string; readonly unshipped: number })
  | { readonly kind: 'recovered'; readonly shipped: number }
  | { readonly kind: 'quarantined'; readonly rows: number; readonly reason: string };

export interface Shipping {
  readonly ledger: LocalUsageLedger;
  readonly shipper: UsageShipper;
  readonly events: readonly ShipperEvent[];
  readonly dataDir: string;
  /** Opens and settles runs; their epochs. */
  settle(...runs: readonly Partial<UsageIntent>[]): Promise<string[]>;
  close(): Promise<void>;
}

export interface ShippingOptions {
  readonly url: string;
  readonly clock?: Clock;
  readonly dataDir?: string;
  /** Around the real one. */
  readonly sink?: (sink: UsageSink) => UsageSink;
}

const prices = loadPrices();

export function startShipping({
  url,
  clock = systemClock,
  dataDir,
  sink = (real) => real,
}: ShippingOptions): Shipping {
  const own = dataDir === undefined ? newDataDir() : undefined;
  const directory = dataDir ?? own?.path ?? '';
  const ledger = openUsageLedger({ dataDir: directory, prices: () => prices, clock, onError: () => {} });
  const events: ShipperEvent[] = [];
  const shipper = new UsageShipper({
    outbox: ledger.outbox,
    sink: sink(
      postgresUsageSink(
        openPostgresPool(url, 2, () => {}),
        'test-instance',
      ),
    ),
    clock,
    parallel: 2,
    ...recorded(events),
  });
  return {
    ledger,
    shipper,
    events,
    dataDir: directory,
    settle: (...runs) => Promise.all(runs.map((run) => settleOne(ledger, run))),
    async close() {
      await shipper.close();
      await ledger.close();
      own?.remove();
    },
  };
}

function recorded(events: ShipperEvent[]): ShipperEvents {
  return {
    onOutage: ({ kind, unshipped }) => void events.push({ kind: 'outage', of: kind, unshipped }),
    onRecovered: ({ shipped }) => void events.push({ kind: 'recovered', shipped }),
    onQuarantined: ({ rows, reason }) => void events.push({ kind: 'quarantined', rows, reason }),
  };
}

async function settleOne(ledger: LocalUsageLedger, run: Partial<UsageIntent>): Promise<string> {
  const intent = intentOf(run);
  await ledger.open(intent, () => readingOf());
  await ledger.settle(settlementOf(intent.epoch));
  return intent.epoch;
}

export function manyRuns(count: number): Partial<UsageIntent>[] {
  return Array.from({ length: count }, () => ({}));
}

/** The epochs that Postgres has, sorted, each as often as it is there. */
export async function epochsIn(server: PostgresServer): Promise<string[]> {
  const rows = await server.query<{ epoch: string }>('SELECT epoch FROM dash_relay.usage');
  return rows.map(({ epoch }) => epoch).toSorted();
}

/** Lets sockets and the disk do what they are at; a manual clock stands still meanwhile. */
export const breathe = () => wait(20);
