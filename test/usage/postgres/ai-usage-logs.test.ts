import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { migrate } from '../../../src/postgres/migrate.ts';
import type { ErrorCode } from '../../../src/protocol/codes.ts';
import { type PostgresServer, startPostgres } from '../../support/postgres.ts';
import { eventually } from '../../support/test-run.ts';
import { intentOf, readingOf, settlementOf } from '../runs.ts';
import { epochsIn, manyRuns, type Shipping, startShipping } from './shipping.ts';

/** As the app has it. */
const APP_TABLE = `
  CREATE TABLE public.ai_usage_logs (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL,
    organization_id uuid,
    service_type text NOT NULL CHECK (service_type IN ('lesson_generation', 'homework_help', 'grading_assistance',
      'general', 'dash_conversation', 'conversation')),
    ai_model_used text NOT NULL,
    input_tokens integer, output_tokens integer,
    input_cost numeric(8, 6), output_cost numeric(8, 6), total_cost numeric(8, 6),
    response_time_ms integer, processing_time_ms integer,
    status text NOT NULL CHECK (status IN ('success', 'error', 'rate_limited', 'quota_exceeded')),
    error_message text,
    metadata jsonb,
    created_at timestamptz DEFAULT now()
  )`;
const SCHOOL = randomUUID();

let server: PostgresServer;
let shipping: Shipping;

beforeAll(async () => {
  server = await startPostgres();
  await server.query(APP_TABLE);
  await migrate(server.url('owner'), { optional: ['ai_usage_logs'] });
  shipping = startShipping({ url: server.url('relay') });
});
afterEach(() =>
  server.query('TRUNCATE dash_relay.usage, dash_relay.ai_usage_log_failures, public.ai_usage_logs'),
);
afterAll(async () => {
  await shipping.close();
  await server.close();
});

const shipped = () => eventually('shipped', () => shipping.ledger.outbox.length === 0);

async function settle(
  intent: Parameters<typeof intentOf>[0],
  settlement: Parameters<typeof settlementOf>[1] = {},
): Promise<string> {
  const run = intentOf(intent);
  await shipping.ledger.open(run, () => readingOf());
  await shipping.ledger.settle(settlementOf(run.epoch, settlement));
  return run.epoch;
}

it("a run is also a row of the app's own table", async () => {
  const usage = readingOf({ cacheReadTokens: 1000, cacheWriteTokens: 100 });
  const epoch = await settle({ organizationId: SCHOOL, action: 'homework_help' }, { usage });
  await shipped();
  const rows = await server.query('SELECT * FROM public.ai_usage_logs');
  expect(rows).toEqual([
    {
      id: expect.any(String),
      user_id: '8a6e0804-2bd0-4672-b79d-d97027f9071a',
      organization_id: SCHOOL,
      service_type: 'homework_help',
      ai_model_used: 'claude-sonnet-5-5',
      input_tokens: 1220,
      output_tokens: 300,
      input_cost: '0.000590',
      output_cost: '0.003000',
      total_cost: '0.003590',
      response_time_ms: 432,
      processing_time_ms: 2000,
      status: 'success',
      error_message: null,
      metadata: {
        source: 'dash_relay',
        epoch,
        stream_id: 'stream-1',
        action: 'homework_help',
        ending: 'done',
        usage_source: 'final',
        organization_id: SCHOOL,
        request_id: 'req_1',
        cache_read_tokens: 1000,
        cache_write_tokens: 100,
      },
      created_at: new Date('2026-11-22T12:00:00Z'),
    },
  ]);
});

it.each([
  ['general_assistance', 'general'],
  ['chat', 'dash_conversation'],
  ['homework_help', 'homework_help'],
  ['lesson_generation', 'lesson_generation'],
  ['grading_assistance', 'grading_assistance'],
  ['an-action-of-tomorrow', 'general'],
])('the action %s is the service %s', async (action, service) => {
  await settle({ action });
  await shipped();
  expect(await server.query('SELECT service_type FROM public.ai_usage_logs')).toEqual([
    { service_type: service },
  ]);
});

it.each<['done' | 'cancelled' | 'error', ErrorCode | null, string]>([
  ['done', null, 'success'],
  ['cancelled', null, 'success'],
  ['error', 'upstream_rate_limited', 'rate_limited'],
  ['error', 'upstream_overloaded', 'error'],
  ['error', 'interrupted', 'error'],
  ['error', 'abandoned', 'error'],
])('the ending %s %s is the status %s', async (status, code, logged) => {
  await settle({}, { status, code });
  await shipped();
  expect(await server.query('SELECT status, error_message FROM public.ai_usage_logs')).toEqual([
    { status: logged, error_message: code },
  ]);
});

it('a cost the app cannot hold is null there and exact in the metadata; one of a model without price is null', async () => {
  const usage = readingOf({ outputTokens: 10_000_000, inputTokens: 0 });
  await settle({}, { usage, totalMs: 9e12 });
  await settle({ model: 'no-price-1' });
  await shipped();
  const rows = await server.query(
    "SELECT total_cost, input_cost, output_cost, processing_time_ms, metadata ->> 'cost_usd' AS exact FROM public.ai_usage_logs ORDER BY ai_model_used",
  );
  const none = { total_cost: null, input_cost: null, output_cost: null };
  expect(rows).toEqual([
    { ...none, processing_time_ms: 2_147_483_647, exact: '100.000000000000' },
    { ...none, processing_time_ms: 2000, exact: null },
  ]);
  expect(await server.query('SELECT * FROM dash_relay.ai_usage_log_failures')).toEqual([]);
});

it('an organisation that is no UUID is in the metadata alone', async () => {
  await settle({ organizationId: 'school-1' });
  await shipped();
  const rows = await server.query(
    "SELECT organization_id, metadata ->> 'organization_id' AS name FROM public.ai_usage_logs",
  );
  expect(rows).toEqual([{ organization_id: null, name: 'school-1' }]);
});

it("a row the app's table refuses takes no other with it, and is noted", async () => {
  await server.query(
    "ALTER TABLE public.ai_usage_logs DROP CONSTRAINT IF EXISTS no_luck, ADD CONSTRAINT no_luck CHECK (ai_model_used <> 'no-price-2')",
  );
  const [good, bad] = [await shipping.settle(...manyRuns(20)), await settle({ model: 'no-price-2' })];
  await shipped();
  expect(await epochsIn(server)).toEqual([...good, bad].toSorted());
  const logged = await server.query("SELECT metadata ->> 'epoch' AS epoch FROM public.ai_usage_logs");
  expect(logged.map(({ epoch }) => String(epoch)).toSorted()).toEqual(good.toSorted());
  expect(await server.query('SELECT epoch, sqlstate FROM dash_relay.ai_usage_log_failures')).toEqual([
    { epoch: bad, sqlstate: '23514' },
  ]);
  expect(shipping.events).toEqual([]);
});

it("without the app's table runs arrive all the same", async () => {
  await server.query('ALTER TABLE public.ai_usage_logs RENAME TO gone');
  try {
    const epochs = await shipping.settle(...manyRuns(3));
    await shipped();
    expect(await epochsIn(server)).toEqual(epochs.toSorted());
  } finally {
    await server.query('ALTER TABLE public.gone RENAME TO ai_usage_logs');
  }
});
