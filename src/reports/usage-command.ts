/** `dash-relay usage`: what was used, read from the ledger in DATA_DIR while the relay runs or after it has stopped. */
import { once } from 'node:events';
import { dayOf, instantOf } from '../command-line/dates.ts';
import { CommandLineError, endWithReader, subcommand, type Words } from '../command-line/subcommand.ts';
import { usdOf } from '../pricing/cost.ts';
import { loadPrices } from '../pricing/prices.ts';
import { openAllUsageRecords } from './all-usage-records.ts';
import { usageDrift } from './usage-drift.ts';
import { readUsageExport } from './usage-export.ts';
import {
  ALL_DIMENSIONS,
  type Dimension,
  type UsageFilter,
  type UsageRecords,
  type UsageSummary,
} from './usage-records.ts';
import { printable, UNPRINTABLE, usageTable } from './usage-table.ts';

const HELP = `Usage: dash-relay usage [options]

Prints what was used, by day, user and model, from the ledger in DATA_DIR (default ./.data). "cache saved" is in US dollars by
the prices of the day (PRICES_FILE): below 0 where writing to the prompt cache cost more than reading from it saved.
Of several processes (WORKERS) all ledgers are summed up.
With DATABASE_URL the relay sends runs on to Postgres and keeps them here for a week: dash_relay.usage has all of them.

  --by <list>      sums by these instead, comma-separated: ${ALL_DIMENSIONS.join(', ')}
  --json           one JSON object a line for each run (with --by: for each sum) instead of the table
  --compare <file> sets the ledger against an Anthropic usage export, by day and model: the CSV of the Console, or the JSON
                   of GET /v1/organizations/analytics/usage (time_bucket_width=1d, group_by[]=model), a page or all pages
                   in a list; the older usage report for messages (bucket_width=1d) is read as well
  --user <id>      runs of this user
  --day <date>     runs started on this day, UTC: 2026-11-22
  --since <time>   runs started at this time or later: 2026-11-22 or 2026-11-22T08:00:00Z
  --help           this text
`;

const DEFAULT_SUMS: readonly Dimension[] = ['day', 'user', 'model'];
const DAY_MS = 86_400_000;
const OPTIONS = {
  json: { type: 'boolean' },
  user: { type: 'string' },
  day: { type: 'string' },
  since: { type: 'string' },
  by: { type: 'string' },
  compare: { type: 'string' },
} as const;

interface Command {
  readonly json: boolean;
  /** Undefined: single runs as JSON, the default sums as a table. */
  readonly by: readonly Dimension[] | undefined;
  /** An export to compare with. */
  readonly compare: string | undefined;
  readonly filter: UsageFilter;
}

function readCommand({ json, user, day, since, by, compare }: Words<typeof OPTIONS>['values']): Command {
  const dayStart = day === undefined ? undefined : dayOf('--day', day);
  const from = since === undefined ? 0 : instantOf('--since', since);
  return {
    json: json ?? false,
    by: by === undefined ? undefined : dimensionsOf(by),
    compare,
    filter: {
      from: Math.max(from, dayStart ?? 0),
      before: dayStart === undefined ? Number.MAX_SAFE_INTEGER : dayStart + DAY_MS,
      userId: user ?? null,
    },
  };
}

function dimensionsOf(list: string): Dimension[] {
  const names = list.split(',').map((name) => name.trim());
  return [...new Set(names)].map((name) => {
    const dimension = ALL_DIMENSIONS.find((known) => known === name);
    if (dimension === undefined) {
      throw new CommandLineError(`--by takes ${ALL_DIMENSIONS.join(', ')}: ${name}`);
    }
    return dimension;
  });
}

function* outputOf(reader: UsageRecords, { json, by, compare, filter }: Command): Generator<string> {
  if (compare !== undefined) yield* usageDrift(reader, filter, readUsageExport(compare));
  else if (json && by === undefined) yield* lines(reader.rows(filter));
  else if (json && by !== undefined) yield* lines(sumsAsJson(reader.summaries(filter, by), by));
  else {
    yield* usageTable(reader.summaries(filter, by ?? DEFAULT_SUMS), by ?? DEFAULT_SUMS);
    for (const { reason, runs } of reader.refused()) {
      yield `${runs} runs are refused by Postgres: ${printable(reason)}. They stay here and are tried again each hour.\n`;
    }
  }
}

function* sumsAsJson(summaries: Iterable<UsageSummary>, by: readonly Dimension[]): Generator<object> {
  for (const { group, costPico, cacheSavedPico, simulated, ...sums } of summaries) {
    const named = Object.fromEntries(by.map((dimension, place) => [dimension, group[place]]));
    const marked = simulated > 0 ? { simulated } : {};
    yield { ...named, ...sums, ...marked, costUsd: usdOf(costPico), cacheSavedUsd: usdOf(cacheSavedPico) };
  }
}

function* lines(values: Iterable<object>): Generator<string> {
  for (const value of values) yield `${JSON.stringify(value).replaceAll(UNPRINTABLE, escaped)}\n`;
}

/** The same value to a program, and nothing that a terminal obeys: JSON itself leaves some of them as they are. */
function escaped(character: string): string {
  const units = Array.from({ length: character.length }, (_, at) => character.charCodeAt(at));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('');
}

/** Writes as fast as the reader of our output takes it: memory stays bounded. */
async function print(lines: Iterable<string>): Promise<void> {
  for (const line of lines) if (!process.stdout.write(line)) await once(process.stdout, 'drain');
}

async function report(command: Command): Promise<void> {
  const { DATA_DIR, PRICES_FILE } = process.env;
  const dataDir = DATA_DIR || './.data';
  const reader = openAllUsageRecords(dataDir, loadPrices(PRICES_FILE || undefined));
  if (reader === undefined) {
    process.stderr.write(`No usage yet: ${dataDir} holds no ledger. Set DATA_DIR to read another place.\n`);
    return;
  }
  try {
    await print(outputOf(reader, command));
  } finally {
    reader.close();
  }
}

export const usage = subcommand({
  help: HELP,
  options: OPTIONS,
  async run({ values }) {
    endWithReader();
    await report(readCommand(values));
    return 0;
  },
});
