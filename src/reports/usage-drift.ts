/** The ledger beside Anthropic's own account, by day and model: where the two differ, and by how much. */
import type { ExportedUsage } from './usage-export.ts';
import type { UsageFilter, UsageRecords, UsageSummary } from './usage-records.ts';
import { grouped, padded, printable } from './usage-table.ts';

const KINDS = ['inputTokens', 'outputTokens', 'cacheReadTokens', 'cacheWriteTokens'] as const;
const TITLES = {
  inputTokens: 'input',
  outputTokens: 'output',
  cacheReadTokens: 'cache read',
  cacheWriteTokens: 'cache write',
};

type Kind = (typeof KINDS)[number];
type Counts = Readonly<Record<Kind, number>>;

interface Pair {
  readonly day: string;
  readonly model: string;
  ledger: Counts;
  exported: Counts;
}

const NONE: Counts = { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0 };
const DAY_MS = 86_400_000;
/** The account and the answers may name a model with its date or without. */
const DATE_SUFFIX = /-\d{8}$/;
/** Stands for every model where the export is not by model. */
const ALL_MODELS = 'all';
/** What an export by model says of none. */
const NO_MODEL = '(no model)';

/** The lines of the comparison: the days of the export, within the filter. */
export function* usageDrift(
  reader: UsageRecords,
  filter: UsageFilter,
  exported: readonly ExportedUsage[],
): Generator<string> {
  const days = exported.map(({ day }) => day).toSorted();
  const [first, last] = [days[0], days.at(-1)];
  if (first === undefined || last === undefined) {
    yield 'The export is empty.\n';
    return;
  }
  const byModel = exported.some(({ model }) => model !== undefined);
  const from = Math.max(filter.from, Date.parse(first));
  const before = Math.min(filter.before, Date.parse(last) + DAY_MS);
  const pairs = new Map<string, Pair>();
  const pairOf = (day: string, model = NO_MODEL): Pair => {
    const name = byModel ? model.replace(DATE_SUFFIX, '') : ALL_MODELS;
    const pair = pairs.get(`${day} ${name}`) ?? { day, model: name, ledger: NONE, exported: NONE };
    pairs.set(`${day} ${name}`, pair);
    return pair;
  };
  for (const usage of exported) {
    const at = Date.parse(usage.day);
    if (at < from || at >= before) continue;
    const pair = pairOf(usage.day, usage.model);
    pair.exported = plus(pair.exported, usage);
  }
  // Anthropic knows nothing of simulated answers.
  for (const summary of reader.summaries({ ...filter, from, before, billedOnly: true }, ['day', 'served'])) {
    const [day = '', model = ''] = summary.group;
    const pair = pairOf(day, model);
    pair.ledger = plus(pair.ledger, summary);
  }
  yield* table(
    [...pairs.values()].toSorted((a, b) => a.day.localeCompare(b.day) || a.model.localeCompare(b.model)),
  );
}

function* table(pairs: readonly Pair[]): Generator<string> {
  yield line('day (UTC)', 'model', 'tokens', 'ledger', 'Anthropic', 'drift', '');
  const total: Pair = { day: 'total', model: '', ledger: NONE, exported: NONE };
  for (const pair of pairs) {
    yield* linesOf(pair);
    total.ledger = plus(total.ledger, pair.ledger);
    total.exported = plus(total.exported, pair.exported);
  }
  yield* linesOf(total);
}

function* linesOf({ day, model, ledger, exported }: Pair): Generator<string> {
  for (const kind of KINDS) {
    const [ours, theirs] = [ledger[kind], exported[kind]];
    if (ours === 0 && theirs === 0) continue;
    const drift = ours - theirs;
    const sign = drift > 0 ? '+' : '';
    const share = theirs === 0 ? 'not theirs' : `${sign}${((drift / theirs) * 100).toFixed(2)} %`;
    yield line(
      day,
      printable(model),
      TITLES[kind],
      grouped(ours),
      grouped(theirs),
      sign + grouped(drift),
      share,
    );
  }
}

function line(day: string, model: string, kind: string, ...numbers: readonly string[]): string {
  const words = [padded(day, -10), padded(model, -20), padded(kind, -11)];
  return `${[...words, ...numbers.map((number) => padded(number, 14))].join('  ').trimEnd()}\n`;
}

function plus(sum: Counts, more: Counts | UsageSummary): Counts {
  return {
    inputTokens: sum.inputTokens + more.inputTokens,
    outputTokens: sum.outputTokens + more.outputTokens,
    cacheReadTokens: sum.cacheReadTokens + more.cacheReadTokens,
    cacheWriteTokens: sum.cacheWriteTokens + more.cacheWriteTokens,
  };
}
