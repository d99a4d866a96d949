/**
 * `npm run soak`: users come and go for half an hour, lose their networks, stop and dawdle, while machines are deployed and
 * Postgres and Redis go away; then it is looked whether every stream had one ending and one row, every text was whole, and
 * the relay holds what it held before. Needs redis-server.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { withSection } from '../scripts/marked-section.ts';
import { openAllUsageRecords } from '../src/reports/all-usage-records.ts';
import { until } from './deadline.ts';
import type { Machine } from './game-day/machine.ts';
import { runProgram } from './program.ts';
import { Books } from './soak/books.ts';
import { playDisturbances } from './soak/disturbances.ts';
import { plotsOf, reportOf, type Soak, wordOf } from './soak/report.ts';
import { takeSample } from './soak/samples.ts';
import { type SoakStage, setSoakStage } from './soak/stage.ts';
import { Traffic } from './soak/traffic.ts';
import { type Line, type Row, verdictOf } from './soak/verdict.ts';
import { Watch } from './soak/watch.ts';

const RESULTS = new URL('results/soak/', import.meta.url).pathname;
const DOCUMENT = 'docs/soak.md';
const PLOTS = 'benchmarks/soak';
const MARKERS = {
  of: DOCUMENT,
  begin: '<!-- soak: written by `npm run soak -- --write` -->\n',
  end: '<!-- /soak -->',
};
const USAGE = `npm run soak -- [options]
  --minutes N   how long, warm-up and quiet included (default 30; 1 is a smoke test, which says nothing of memory)
  --rate N      visits a second (default 12)
  --write       the report into ${DOCUMENT} as well
It ends with 1 where a line does not hold. Report and plots: bench/results/soak/.
`;
const MINUTE_MS = 60_000;
/** Shares of the whole, and bounds, ms. */
const WARM_UP = { share: 1 / 6, least: 10_000, most: 300_000 };
const QUIET = { share: 1 / 10, least: 12_000, most: MINUTE_MS };
const HOLD = { share: 1 / 60, least: 3000, most: 20_000 };
/** Memory is compared where the warm-up was at least so long. */
const WARM_MS = MINUTE_MS;
/** After a disturbance, in holds of it. */
const PEACE = 1.5;
/** What waits for Postgres after an outage is tried again within a minute. */
const SHIPPED_MS = 120_000;

await runProgram(async (args) => {
  const { values } = parseArgs({
    args,
    options: {
      minutes: { type: 'string', default: '30' },
      rate: { type: 'string', default: '12' },
      write: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const minutes = numberOf('minutes', values.minutes);
  const soak = await play(minutes, numberOf('rate', values.rate));
  save(soak, values.write);
  return soak.lines.some(({ holds }) => holds === false) ? 1 : 0;
});

/** @throws Error naming the option */
function numberOf(option: string, text: string): number {
  const number = Number(text);
  if (!(number > 0)) throw new Error(`--${option} takes a number above 0, not ${text}\n${USAGE}`);
  return number;
}

async function play(minutes: number, perSecond: number): Promise<Soak> {
  const books = new Books();
  await using stage = await setSoakStage();
  const { a, b, keys } = stage;
  using traffic = new Traffic({ urls: [a.url, b.url], signer: keys.signer, books, perSecond });
  using watch = new Watch(a, say);
  const pid = a.pid;
  const wholeMs = minutes * MINUTE_MS;
  const warmUpMs = partOf(WARM_UP, wholeMs);
  const quietMs = partOf(QUIET, wholeMs);
  const holdMs = partOf(HOLD, wholeMs);
  const busy = async (ms: number): Promise<void> => {
    const untilMs = performance.now() + ms;
    traffic.go();
    const begun = (name: string): void => watch.note(name);
    await playDisturbances(stage, { holdMs, peaceMs: PEACE * holdMs, untilMs, begun });
    await delay(Math.max(0, untilMs - performance.now()));
    await traffic.stop();
  };
  watch.note('warm-up');
  await busy(warmUpMs);
  const baseline = await watch.quiet(quietMs);
  watch.note('begins');
  await busy(wholeMs - warmUpMs - 2 * quietMs);
  await until(SHIPPED_MS, 'the last rows to reach Postgres', async () => (await outboxOf([a, b])) === 0);
  const end = await watch.quiet(quietMs);
  const unsettled = [a, b].reduce((sum, { dataDirectory }) => sum + unsettledIn(dataDirectory), 0);
  const lived = a.running && a.pid === pid;
  stage.exits.push(await b.terminate(), await a.terminate());
  const lines = verdictOf({
    books,
    rows: await rowsOf(stage),
    unsettled,
    baseline,
    end,
    isWarm: warmUpMs >= WARM_MS,
    exits: stage.exits,
    lived,
    failures: failuresOf([a, b]),
  });
  return { minutes, perSecond, samples: watch.samples, events: watch.events, counts: books.counts, lines };
}

interface Part {
  readonly share: number;
  readonly least: number;
  readonly most: number;
}

function partOf({ share, least, most }: Part, wholeMs: number): number {
  return Math.min(most, Math.max(least, share * wholeMs));
}

function rowsOf({ postgres }: SoakStage): Promise<readonly Row[]> {
  return postgres.query<Row>('SELECT epoch, stream_id, status FROM dash_relay.usage');
}

async function outboxOf(machines: readonly Machine[]): Promise<number> {
  const samples = await Promise.all(machines.map((machine) => takeSample(machine, 0)));
  return samples.reduce((sum, { outbox }) => sum + outbox, 0);
}

/** Runs that its ledger has as live. */
function unsettledIn(dataDirectory: string): number {
  const reader = openAllUsageRecords(dataDirectory);
  if (reader === undefined) return 0;
  try {
    const all = { from: 0, before: Number.MAX_SAFE_INTEGER, userId: null };
    return Array.from(reader.rows(all)).filter(({ status }) => status === 'running').length;
  } finally {
    reader.close();
  }
}

/** Errors that no client could be told of, but for those of what was away. */
function failuresOf(machines: readonly Machine[]): readonly string[] {
  return machines.flatMap(({ name, log }) =>
    log
      .filter(({ event, what }) => event === 'failed' && !/Postgres|mirror/.test(String(what)))
      .map(({ what, cause }) => `${name}: ${String(what)}: ${JSON.stringify(cause).slice(0, 200)}`),
  );
}

function save(soak: Soak, write: boolean): void {
  const plots = plotsOf(soak);
  const report = reportOf(soak, plots);
  keep(RESULTS, plots);
  writeFileSync(join(RESULTS, 'soak.md'), report);
  if (write) {
    keep(join('docs', PLOTS), plots);
    const placed = plots.map((plot) => ({ ...plot, file: `${PLOTS}/${plot.file}` }));
    writeFileSync(DOCUMENT, withSection(readFileSync(DOCUMENT, 'utf8'), MARKERS, reportOf(soak, placed)));
  }
  say(`\n${report}\n${soak.lines.map(sentenceOf).join('\n')}\n\nwritten to ${RESULTS}`);
}

function keep(folder: string, plots: readonly { readonly file: string; readonly svg: string }[]): void {
  mkdirSync(folder, { recursive: true });
  for (const { file, svg } of plots) writeFileSync(join(folder, file), svg);
}

function sentenceOf({ what, holds, counted }: Line): string {
  return `${wordOf(holds).replaceAll('*', '')}: ${what} (${counted})`;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
