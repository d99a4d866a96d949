/** The app's reports beside the ledger's: 500 runs of all endings, with an outage and a change of the table between. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { MirrorFile } from '../../src/mirror/definition.ts';
import { installMirror } from '../../src/mirror/install.ts';
import { asOwner } from '../../src/postgres/owner.ts';
import { ERROR_NAMES } from '../../src/protocol/codes.ts';
import type { UsageRow } from '../../src/reports/usage-records.ts';
import { type PostgresServer, startPostgres } from '../support/postgres.ts';
import { eventually, report } from '../support/test-run.ts';
import { epochsIn } from '../usage/postgres/shipping.ts';
import { intentOf, readingOf, rowsIn, settlementOf } from '../usage/runs.ts';
import { definitionOf, type Mirroring, startMirroring } from './mirroring.ts';

const PRINTS = process.env['DASH_PRINT_TABLE'] === '1';

/** Ten columns are NOT NULL, and only one has a default. */
const TABLE = `
  CREATE SCHEMA app;
  CREATE TYPE app.result AS ENUM ('served', 'limited', 'failed');
  CREATE TABLE app.ai_runs (
    id bigint GENERATED ALWAYS AS IDENTITY,
    run varchar(40) NOT NULL UNIQUE,
    preschool_id uuid NOT NULL,
    teacher_id uuid NOT NULL,
    service text NOT NULL CHECK (service IN ('dash_conversation', 'lesson_generation', 'homework_help', 'other')),
    result app.result NOT NULL,
    why text NOT NULL,
    tokens bigint NOT NULL,
    cost numeric(12, 9) NOT NULL,
    first_words_ms integer NOT NULL,
    at timestamptz NOT NULL
  );
  CREATE TABLE app.school_usage (preschool_id uuid, service text, runs integer NOT NULL, tokens bigint NOT NULL, PRIMARY KEY (preschool_id, service));
  CREATE FUNCTION app.count_school(run dash_relay.usage) RETURNS void LANGUAGE sql SET search_path = app AS $$
    INSERT INTO school_usage AS s
    VALUES (coalesce(run.organization_id, '00000000-0000-4000-8000-000000000000')::uuid, run.action, 1,
      run.input_tokens + run.cache_read_tokens + run.cache_write_tokens + run.output_tokens)
    ON CONFLICT (preschool_id, service) DO UPDATE SET runs = s.runs + 1, tokens = s.tokens + excluded.tokens
  $$`;
const NO_SCHOOL = '00000000-0000-4000-8000-000000000000';
const FILE: MirrorFile = {
  table: 'app.ai_runs',
  columns: {
    run: 'epoch',
    preschool_id: 'organization_id',
    teacher_id: 'user_id',
    service: {
      field: 'action',
      map: {
        chat: 'dash_conversation',
        lesson_generation: 'lesson_generation',
        homework_help: 'homework_help',
      },
      otherwise: 'other',
    },
    result: { field: 'outcome', map: { success: 'served', rate_limited: 'limited' }, otherwise: 'failed' },
    why: 'code',
    tokens: 'total_tokens',
    cost: 'cost_usd',
    first_words_ms: 'first_token_ms',
    at: 'started_at',
  },
  defaults: { preschool_id: NO_SCHOOL, why: 'none', cost: 0, first_words_ms: -1 },
  counters: 'app.count_school',
};

const SCHOOLS = [1, 2, 3].map((n) => `5c400100-0000-4000-8000-00000000000${n}`);
const USERS = Array.from({ length: 7 }, (_, n) => `05e40000-0000-4000-8000-00000000000${n}`);
const ACTIONS = ['chat', 'lesson_generation', 'homework_help', 'grading_assistance'];
/** Every way a run ends: by itself, by its user, by each error. */
const ENDINGS = [
  { status: 'done', code: null },
  { status: 'cancelled', code: null },
  ...ERROR_NAMES.map((code) => ({ status: 'error', code }) as const),
] as const;

let server: PostgresServer;
let mirroring: Mirroring;
let settledRuns = 0;

beforeAll(async () => {
  server = await startPostgres();
  await server.query(TABLE);
  await install(FILE);
  mirroring = startMirroring({ url: server.url('relay') });
});
afterAll(async () => {
  await mirroring.close();
  await server.close();
});

async function install(file: MirrorFile): Promise<void> {
  const definition = definitionOf(file);
  const { problems } = await asOwner(server.url('owner'), (query) => installMirror(query, definition));
  expect(problems).toEqual([]);
}

/** Runs of each school, user, action and ending in turn, none of them like the one before. */
async function settle(count: number): Promise<void> {
  const { ledger } = mirroring;
  const first = settledRuns;
  settledRuns += count;
  await Promise.all(
    Array.from({ length: count }, async (_, n) => {
      const number = first + n;
      const intent = intentOf({
        userId: USERS[number % USERS.length] ?? '',
        organizationId: SCHOOLS[number % (SCHOOLS.length + 1)] ?? null,
        action: ACTIONS[(number >> 2) % ACTIONS.length] ?? '',
        model: number % 11 === 0 ? 'a-model-without-a-price' : 'claude-sonnet-5-5',
      });
      const ending = ENDINGS[number % ENDINGS.length] ?? ENDINGS[0];
      await ledger.open(intent, () => readingOf());
      const usage = readingOf({
        inputTokens: number,
        outputTokens: 3 * number,
        cacheReadTokens: number % 50,
        source: ending.status === 'done' ? 'final' : 'estimated',
      });
      await ledger.settle(
        settlementOf(intent.epoch, { ...ending, usage, firstTokenMs: number % 5 === 0 ? null : number }),
      );
    }),
  );
}

interface Sums {
  readonly runs: number;
  readonly tokens: number;
  readonly cost: string;
}

const SERVICES: Readonly<Record<string, string>> = {
  chat: 'dash_conversation',
  lesson_generation: 'lesson_generation',
  homework_help: 'homework_help',
};

/** By school, action and user, as the app names them. */
const DIMENSIONS = {
  preschool_id: ({ organizationId }: UsageRow) => organizationId ?? NO_SCHOOL,
  service: ({ action }: UsageRow) => SERVICES[action] ?? 'other',
  teacher_id: ({ userId }: UsageRow) => userId,
};

function ledgerSums(groupOf: (row: UsageRow) => string): Record<string, Sums> {
  const groups = Object.entries(Object.groupBy(rowsIn(mirroring.dataDir), groupOf)).toSorted();
  return Object.fromEntries(
    groups.map(([group, rows = []]) => [
      group,
      {
        runs: rows.length,
        tokens: sum(rows, (row) => row.inputTokens + row.outputTokens + row.cacheReadTokens),
        cost: sum(rows, (row) => row.costUsd ?? 0).toFixed(9),
      },
    ]),
  );
}

function sum(rows: readonly UsageRow[], of: (row: UsageRow) => number): number {
  return rows.reduce((total, row) => total + of(row), 0);
}

async function appSums(column: keyof typeof DIMENSIONS): Promise<Record<string, Sums>> {
  const rows = await server.query<Sums & { key: string }>(`
    SELECT ${column}::text AS key, count(*)::int AS runs, sum(tokens)::int AS tokens, sum(cost)::numeric(18, 9)::text AS cost
    FROM app.ai_runs GROUP BY 1 ORDER BY 1`);
  return Object.fromEntries(rows.map(({ key, ...sums }) => [key, sums]));
}

async function mirroredRuns(): Promise<number> {
  const [row] = await server.query<{ n: number }>('SELECT count(*)::int AS n FROM app.ai_runs');
  return row?.n ?? 0;
}

it('sums by school, action and user are those of the ledger, after an outage and a change of the table', async () => {
  const { ledger, mirrorEvents } = mirroring;
  await settle(150);
  await eventually('the first 150', async () => (await mirroredRuns()) === 150);

  await server.stop();
  await settle(100);
  await server.start();
  await eventually('shipped after the outage', () => ledger.outbox.length === 0);
  await eventually('250 mirrored', async () => (await mirroredRuns()) === 250);
  expect(mirrorEvents.filter(({ kind }) => kind === 'refused')).toEqual([]);

  // The app's next release has a column more, and knows no default.
  await server.query("ALTER TABLE app.ai_runs ADD COLUMN district text NOT NULL DEFAULT 'north'");
  await server.query('ALTER TABLE app.ai_runs ALTER COLUMN district DROP DEFAULT');
  await settle(150);
  await eventually('refused', () => mirroring.copier.failed === 150);
  expect(ledger.outbox).toMatchObject({ length: 0, refused: 0 });
  expect(await epochsIn(server)).toHaveLength(400);
  expect(await mirroredRuns()).toBe(250);
  const named = mirrorEvents.flatMap((event) => (event.kind === 'refused' ? [event] : []));
  expect(named.reduce((rows, event) => rows + event.rows, 0)).toBe(150);
  expect(new Set(named.map(({ sqlstate, column }) => `${sqlstate} ${column}`))).toEqual(
    new Set(['23502 district']),
  );

  // The operator gives the column a value; what failed comes with the next runs.
  await install({ ...FILE, defaults: { ...FILE.defaults, district: 'unknown' } });
  await settle(100);
  await eventually('all mirrored', async () => (await mirroredRuns()) >= 500);

  for (const [column, groupOf] of Object.entries(DIMENSIONS) as [
    keyof typeof DIMENSIONS,
    (row: UsageRow) => string,
  ][]) {
    const [ofLedger, ofApp] = [ledgerSums(groupOf), await appSums(column)];
    if (PRINTS) for (const line of table(column, ofLedger, ofApp)) report(line);
    expect(ofApp).toEqual(ofLedger);
  }
  const [counted] = await server.query(
    'SELECT sum(runs)::int AS runs, sum(tokens)::int AS tokens FROM app.school_usage',
  );
  const all = ledgerSums(() => 'all')['all'];
  expect(counted).toEqual({ runs: all?.runs, tokens: all?.tokens });
  expect(all?.runs).toBe(500);
}, 60_000);

function table(column: string, ofLedger: Record<string, Sums>, ofApp: Record<string, Sums>): string[] {
  const cells = ({ runs, tokens, cost }: Sums = { runs: 0, tokens: 0, cost: '0' }) =>
    `${runs} runs, ${tokens} tokens, ${cost} USD`;
  return [
    `by ${column}: the ledger | app.ai_runs`,
    ...Object.entries(ofLedger).map(([group, sums]) => `  ${group}: ${cells(sums)} | ${cells(ofApp[group])}`),
  ];
}
