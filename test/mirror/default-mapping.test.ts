/** The shipped mapping, beside the trigger of former releases, whose work it does. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { loadMirror } from '../../src/mirror/definition.ts';
import { installMirror } from '../../src/mirror/install.ts';
import { migrate } from '../../src/postgres/migrate.ts';
import { asOwner } from '../../src/postgres/owner.ts';
import { type PostgresServer, startPostgres } from '../support/postgres.ts';
import { AI_USAGE_LOGS } from './app-table.ts';

let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres();
  await server.query(AI_USAGE_LOGS);
  await migrate(server.url('owner'), { optional: ['ai_usage_logs'] });
});
afterAll(() => server.close());

/** Each combination of what decides a column. */
const RUNS = `
  INSERT INTO dash_relay.usage (epoch, stream_id, user_id, organization_id, action, model, status, code, source, input_tokens,
    output_tokens, cache_read_tokens, cache_write_tokens, cache_write_1h_tokens, cost_usd, output_cost_usd, price_version,
    first_token_ms, total_ms, request_id, instance, started_at, ended_at)
  SELECT 'epoch-' || row_number() OVER (), 'stream', gen_random_uuid(), organization, action, 'a-model', status, code, 'final', 3,
    5, 7, 11, 0, cost, cost / 3, 'prices', first, total, request, 'machine', '2026-11-22T12:00:00Z', '2026-11-22T12:00:02Z'
  FROM unnest(ARRAY['chat', 'homework_help', 'lesson_generation', 'grading_assistance', 'dash_conversation', 'conversation',
      'general_assistance']) AS action,
    (VALUES ('done', NULL), ('cancelled', NULL), ('error', 'upstream_rate_limited'), ('error', 'interrupted')) AS ending (status, code),
    unnest(ARRAY[NULL, 'school-1', '3b0c1a86-93a5-4bd4-8a4c-3f0b4f0f1a10']) AS organization,
    unnest(ARRAY[NULL, 0, 0.0123456789, 99.9999994, 99.9999995, 100, 12345]::numeric[]) AS cost,
    (VALUES (12.5, 99.4, 'req'), (0.4, 9e12, NULL)) AS times (first, total, request)`;
const LOGS = `
  SELECT user_id, organization_id, service_type, ai_model_used, input_tokens, output_tokens, input_cost, output_cost, total_cost,
    response_time_ms, processing_time_ms, status, error_message, metadata, created_at
  FROM public.ai_usage_logs ORDER BY user_id`;

it('does for every kind of run what the trigger did, and replaces it', async () => {
  await server.query(RUNS);
  const formerly = await server.query(LOGS);
  expect(formerly).toHaveLength(7 * 4 * 3 * 7 * 2);
  await server.query('TRUNCATE public.ai_usage_logs');

  const { problems } = await asOwner(server.url('owner'), (query) => installMirror(query, loadMirror()));
  expect(problems).toEqual([]);
  await server.query('SELECT dash_relay.mirror_write(ARRAY(SELECT epoch FROM dash_relay.usage))');
  expect(await server.query(LOGS)).toEqual(formerly);
  const triggers = await server.query<{ tgname: string }>(
    "SELECT tgname FROM pg_trigger WHERE tgrelid = 'dash_relay.usage'::regclass AND NOT tgisinternal ORDER BY 1",
  );
  expect(triggers).toEqual(
    ['mirror_of_deleted', 'mirror_of_truncated', 'usage_to_mirror'].map((tgname) => ({ tgname })),
  );
});

it('a run that had no first word has no time to it', async () => {
  await server.query("UPDATE dash_relay.usage SET first_token_ms = NULL WHERE epoch = 'epoch-1'");
  await server.query('TRUNCATE public.ai_usage_logs');
  await server.query("SELECT dash_relay.mirror_write('{epoch-1}')");
  expect(await server.query('SELECT response_time_ms FROM public.ai_usage_logs')).toEqual([
    { response_time_ms: null },
  ]);
});
