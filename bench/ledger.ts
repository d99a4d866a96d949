/**
 * The usage ledger of a checkout by itself, in a process of its own: rows to disk, then from a full outbox into a
 * Postgres server started for it. With its options as one JSON argument; tells `report` and ends.
 */
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { startPostgres } from '../test/support/postgres.ts';
import type { LedgerOptions, LedgerReport, Spent } from './ledger/port.ts';
import { obey, tell } from './messages.ts';
import { temporaryDirectory } from './temporary-directory.ts';

const options = JSON.parse(process.argv[2] ?? '{}') as LedgerOptions;
const CONNECTIONS = 2;
const USAGE = {
  inputTokens: 120,
  outputTokens: 300,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  cacheWrite1hTokens: 0,
  thinkingTokens: 0,
  webSearches: 0,
  terms: null,
  uncharged: false,
  source: 'final',
  model: null,
} as const;

const ENDING = {
  type: 'cancelled',
  id: 'bench',
  seq: 0,
  textLength: 0,
  usage: { inputTokens: 120, outputTokens: 300, cacheReadTokens: 0, cacheWriteTokens: 0, source: 'final' },
  timing: { firstTokenMs: 431.5, totalMs: 2000.25, chunks: 0, bytes: 0 },
} as const;

obey({});
using data = temporaryDirectory('ledger');
tell('report', await measure());
process.exit(0);

async function measure(): Promise<LedgerReport> {
  const { openUsageLedger, loadPrices, systemClock, openPostgresPool, postgresUsageSink, UsageShipper } =
    await importLedger();
  const clock = systemClock;
  const complain = (what: string, cause: unknown) => process.stderr.write(`${what}: ${String(cause)}\n`);
  const ledger = openUsageLedger({
    dataDir: data.path,
    prices: () => loadPrices(),
    clock,
    onError: complain,
  });
  const local = await accounted(() => settleAll(ledger));

  const postgres = await startPostgres({ settings: ['fsync=on', 'full_page_writes=on'] });
  const pool = openPostgresPool(postgres.url('relay'), CONNECTIONS, (cause) => complain('pool', cause));
  // Opens the connections: they are there when rows come in earnest.
  await Promise.all(Array.from({ length: CONNECTIONS }, () => pool.query('SELECT pg_sleep(0.05)', [])));
  const shipped = await accounted(async () => {
    const shipper = new UsageShipper({
      outbox: ledger.outbox,
      sink: postgresUsageSink(pool, 'bench'),
      clock,
      parallel: CONNECTIONS,
      onOutage: ({ cause }) => complain('outage', cause),
      onRecovered: () => undefined,
      onQuarantined: ({ reason }) => complain('refused', reason),
    });
    while (ledger.outbox.length > 0) await new Promise((resolve) => setTimeout(resolve, 1));
    return shipper;
  });
  const [counted] = await postgres.query<{ rows: string; distinct: string }>(
    'SELECT count(*) AS rows, count(DISTINCT epoch) AS distinct FROM dash_relay.usage',
  );
  await shipped.result.close();
  await ledger.close();
  await postgres.close();
  return {
    local: local.spent,
    shipped: { ...shipped.spent, rows: Number(counted?.rows), distinct: Number(counted?.distinct) },
  };
}

async function importLedger() {
  const from = (path: string) => join(options.directory, 'src', path);
  const { openUsageLedger } = (await import(
    from('usage/ledger.ts')
  )) as typeof import('../src/ledger/ledger.ts');
  const { loadPrices } = (await import(from('usage/prices.ts'))) as typeof import('../src/pricing/prices.ts');
  const { systemClock } = (await import(from('time/clock.ts'))) as typeof import('../src/time/clock.ts');
  const postgres = 'usage/postgres';
  const { openPostgresPool } = (await import(
    from(`${postgres}/pool.ts`)
  )) as typeof import('../src/postgres/pool.ts');
  const { postgresUsageSink } = (await import(
    from(`${postgres}/usage-sink.ts`)
  )) as typeof import('../src/ledger/usage-sink.ts');
  const { UsageShipper } = (await import(
    from(`${postgres}/shipper.ts`)
  )) as typeof import('../src/ledger/shipper.ts');
  return { openUsageLedger, loadPrices, systemClock, openPostgresPool, postgresUsageSink, UsageShipper };
}

type Ledger = Pick<import('../src/ledger/port.ts').UsageLedger, 'open' | 'settle'>;

async function settleAll(ledger: Ledger): Promise<void> {
  let next = 0;
  const sendPages = async () => {
    while (next < options.rows) {
      const run = next;
      next += 1;
      await settleOne(ledger, run);
    }
  };
  await Promise.all(Array.from({ length: options.atOnce }, sendPages));
}

async function settleOne(ledger: Ledger, run: number): Promise<void> {
  const epoch = `bench${String(run).padStart(12, '0')}`;
  const startedAt = Date.now();
  const intent = {
    epoch,
    streamId: `stream-${run}`,
    userId: `00000000-0000-4000-8000-${run.toString(16).padStart(12, '0')}`,
    organizationId: null,
    action: 'chat',
    model: 'claude-sonnet-5-5',
    startedAt,
  };
  await ledger.open(intent, () => USAGE);
  await ledger.settle({
    epoch,
    status: 'done',
    code: null,
    usage: USAGE,
    firstTokenMs: 431.5,
    totalMs: 2000.25,
    requestId: `req_${run}`,
    endedAt: startedAt + 2000,
    ending: () => ENDING,
  });
}

async function accounted<Result>(
  work: () => Promise<Result>,
): Promise<{ readonly result: Result; readonly spent: Spent }> {
  const turns = monitorEventLoopDelay({ resolution: 1 });
  turns.enable();
  const [begun, before] = [performance.now(), process.cpuUsage()];
  const result = await work();
  const { user, system } = process.cpuUsage(before);
  const seconds = (performance.now() - begun) / 1000;
  turns.disable();
  return { result, spent: { seconds, cpuMicros: user + system, longestTurnMs: turns.max / 1e6 } };
}
