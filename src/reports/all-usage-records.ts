/** The ledgers of a machine whose processes have one each, read as one: runs in the order they started, and sums of all. */
import { ledgerDirectories } from '../ledger/ledger-directories.ts';
import { loadPrices } from '../pricing/prices.ts';
import {
  type Dimension,
  openUsageRecords,
  type RefusedRuns,
  type UsageFilter,
  type UsageRecords,
  type UsageRow,
  type UsageSummary,
} from './usage-records.ts';

/** As `openUsageRecords`, of all ledgers below DATA_DIR. */
export function openAllUsageRecords(dataDir: string, prices = loadPrices()): UsageRecords | undefined {
  const all = ledgerDirectories(dataDir).flatMap((directory) => openUsageRecords(directory, prices) ?? []);
  const [first, ...others] = all;
  return others.length === 0 ? first : new AllUsageRecords(all);
}

class AllUsageRecords implements UsageRecords {
  readonly #all: readonly UsageRecords[];

  constructor(all: readonly UsageRecords[]) {
    this.#all = all;
  }

  /** Of each ledger in its own order, which is that of the starts but for a few milliseconds. */
  *rows(filter: UsageFilter): Generator<UsageRow> {
    const heads = this.#all
      .map((records) => records.rows(filter))
      .map((rows) => ({ rows, head: rows.next() }));
    for (;;) {
      const [next] = heads
        .filter(({ head }) => head.done !== true)
        .sort((a, b) => startOf(a.head).localeCompare(startOf(b.head)));
      if (next === undefined || next.head.done === true) return;
      yield next.head.value;
      next.head = next.rows.next();
    }
  }

  *summaries(filter: UsageFilter, by: readonly Dimension[]): Generator<UsageSummary> {
    const byGroup = new Map<string, UsageSummary>();
    for (const records of this.#all)
      for (const summary of records.summaries(filter, by)) {
        const group = JSON.stringify(summary.group);
        const before = byGroup.get(group);
        byGroup.set(group, before === undefined ? summary : sumOf(before, summary));
      }
    yield* [...byGroup.values()].sort((a, b) => compareGroups(a.group, b.group));
  }

  refused(): readonly RefusedRuns[] {
    const byReason = new Map<string, number>();
    for (const { reason, runs } of this.#all.flatMap((records) => records.refused()))
      byReason.set(reason, (byReason.get(reason) ?? 0) + runs);
    return [...byReason]
      .map(([reason, runs]) => ({ reason, runs }))
      .sort((a, b) => b.runs - a.runs || compare(a.reason, b.reason));
  }

  close(): void {
    for (const records of this.#all) records.close();
  }
}

function startOf(head: IteratorResult<UsageRow>): string {
  return head.done === true ? '' : head.value.startedAt;
}

function sumOf(a: UsageSummary, b: UsageSummary): UsageSummary {
  return {
    group: a.group,
    runs: a.runs + b.runs,
    running: a.running + b.running,
    unpriced: a.unpriced + b.unpriced,
    simulated: a.simulated + b.simulated,
    inputTokens: a.inputTokens + b.inputTokens,
    outputTokens: a.outputTokens + b.outputTokens,
    cacheReadTokens: a.cacheReadTokens + b.cacheReadTokens,
    cacheWriteTokens: a.cacheWriteTokens + b.cacheWriteTokens,
    costPico: a.costPico + b.costPico,
    cacheSavedPico: a.cacheSavedPico + b.cacheSavedPico,
  };
}

/** As the ledger itself orders them. */
function compareGroups(a: readonly string[], b: readonly string[]): number {
  for (const [place, value] of a.entries()) {
    const order = compare(value, b[place] ?? '');
    if (order !== 0) return order;
  }
  return 0;
}

function compare(a: string, b: string): number {
  return Number(a > b) - Number(a < b);
}
