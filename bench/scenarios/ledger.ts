import { startCompanion } from '../child.ts';
import type { LedgerOptions, LedgerReport } from '../ledger/port.ts';
import { atLeast, atMost } from '../report/target.ts';
import type { Outcome, Scenario } from '../scenario.ts';
import type { Subject } from '../subjects/port.ts';

const ROWS = 50_000;
/** Runs that open and settle at the same time. */
const AT_ONCE = 100;
const WITHIN_MS = 60_000;

export const ledger: Scenario = {
  name: 'ledger',
  summary:
    'usage rows: 50,000 runs opened and settled on disk, then shipped to Postgres (fsync on) from an outbox full of them',
  subjects: ['relay'],
  figures: [
    { name: 'local', label: 'runs opened and settled on disk', unit: '/s' },
    { name: 'localCpu', label: 'CPU per run', unit: 'µs' },
    { name: 'shipped', label: 'rows into Postgres', unit: '/s', targets: [atLeast(50_000)] },
    { name: 'shippedCpu', label: 'CPU per row', unit: 'µs' },
    { name: 'wrong', label: 'rows lost or there twice', unit: '', targets: [atMost(0)] },
    { name: 'stall', label: 'longest turn of the event loop meanwhile', unit: 'ms' },
  ],
  run: runLedger,
};

async function runLedger({ directory }: Subject): Promise<Outcome> {
  if (directory === null) throw new Error('a ledger belongs to a checkout');
  const options: LedgerOptions = { directory, rows: ROWS, atOnce: AT_ONCE };
  await using companion = startCompanion('ledger.ts', options);
  const { local, shipped } = await companion.next<LedgerReport>('report', WITHIN_MS);
  const figures = {
    local: ROWS / local.seconds,
    localCpu: local.cpuMicros / ROWS,
    shipped: ROWS / shipped.seconds,
    shippedCpu: shipped.cpuMicros / ROWS,
    wrong: Math.abs(ROWS - shipped.rows) + Math.abs(ROWS - shipped.distinct),
    stall: Math.max(local.longestTurnMs, shipped.longestTurnMs),
  };
  return { rounds: [figures] };
}
