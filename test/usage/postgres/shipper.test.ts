import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { NO_USAGE } from '../../../src/protocol/usage-reading.ts';
import { type PostgresServer, startPostgres } from '../../support/postgres.ts';
import { eventually } from '../../support/test-run.ts';
import { intentOf, readingOf, settlementOf } from '../runs.ts';
import { epochsIn, manyRuns, type Shipping, startShipping } from './shipping.ts';

let server: PostgresServer;
let shipping: Shipping;

beforeAll(async () => {
  server = await startPostgres();
});
beforeEach(() => {
  shipping = startShipping({ url: server.url('relay') });
});
afterEach(async () => {
  await shipping.close();
  await server.query('TRUNCATE dash_relay.usage');
});
afterAll(() => server.close());

it('a settled run arrives in Postgres by itself, with everything the ledger knows of it', async () => {
  const [epoch] = await shipping.settle({ organizationId: 'school-1' });
  await eventually('marked', () => shipping.ledger.outbox.length === 0);
  expect(await server.query('SELECT * FROM dash_relay.usage')).toEqual([
    {
      epoch,
      stream_id: 'stream-1',
      user_id: '8a6e0804-2bd0-4672-b79d-d97027f9071a',
      organization_id: 'school-1',
      action: 'chat',
      model: 'claude-sonnet-5-5',
      served_model: null,
      status: 'done',
      code: null,
      source: 'final',
      input_tokens: 120,
      output_tokens: 300,
      cache_read_tokens: 0,
      cache_write_tokens: 0,
      cache_write_1h_tokens: 0,
      thinking_tokens: 0,
      web_searches: 0,
      inference_geo: null,
      service_tier: null,
      speed: null,
      uncharged: false,
      cost_usd: '0.003240000000',
      output_cost_usd: '0.003000000000',
      price_version: expect.any(String),
      first_token_ms: 431.5,
      total_ms: 2000.25,
      request_id: 'req_1',
      instance: 'test-instance',
      started_at: new Date('2026-11-22T12:00:00Z'),
      ended_at: new Date('2026-11-22T12:00:02Z'),
      received_at: expect.any(Date),
    },
  ]);
  expect(shipping.shipper.up).toBe(true);
  expect(shipping.events).toEqual([]);
});

it('what besides tokens set the bill arrives too', async () => {
  const { ledger } = shipping;
  const intent = intentOf();
  await ledger.open(intent, () => NO_USAGE);
  const terms = { inferenceGeo: 'us', serviceTier: 'batch', speed: 'fast' };
  const usage = readingOf({ thinkingTokens: 7, webSearches: 2, terms, uncharged: true });
  await ledger.settle({ ...settlementOf(intent.epoch), usage });
  await eventually('marked', () => ledger.outbox.length === 0);
  const rows = await server.query(
    `SELECT thinking_tokens, web_searches, inference_geo, service_tier, speed, uncharged, cost_usd FROM dash_relay.usage
      WHERE epoch = '${intent.epoch}'`,
  );
  expect(rows).toEqual([
    {
      thinking_tokens: 7,
      web_searches: 2,
      inference_geo: 'us',
      service_tier: 'batch',
      speed: 'fast',
      uncharged: true,
      cost_usd: '0.000000000000',
    },
  ]);
});

it('a model without a price costs null, and text that Postgres cannot hold arrives without U+0000', async () => {
  await shipping.settle({ model: 'no-price-1', action: 'a\0b\ud800', streamId: '"\\\n{},' });
  await eventually('marked', () => shipping.ledger.outbox.length === 0);
  const rows = await server.query(
    'SELECT cost_usd, output_cost_usd, action, stream_id FROM dash_relay.usage',
  );
  expect(rows).toEqual([
    { cost_usd: null, output_cost_usd: null, action: 'a\ufffdb\ufffd', stream_id: '"\\\n{},' },
  ]);
});

it('the model that answered arrives beside the one that was asked for', async () => {
  const intent = intentOf({ model: 'claude-haiku-4-5' });
  await shipping.ledger.open(intent, () => readingOf());
  const usage = readingOf({ model: 'claude-opus-4-5-20251101' });
  await shipping.ledger.settle(settlementOf(intent.epoch, { usage }));
  await eventually('marked', () => shipping.ledger.outbox.length === 0);
  expect(await server.query('SELECT model, served_model, cost_usd FROM dash_relay.usage')).toEqual([
    { model: 'claude-haiku-4-5', served_model: 'claude-opus-4-5-20251101', cost_usd: '0.008100000000' },
  ]);
});

it('a run leaves only when it is settled', async () => {
  await shipping.ledger.open(intentOf(), () => readingOf());
  const [settled] = await shipping.settle({});
  await eventually('marked', () => shipping.ledger.outbox.length === 0);
  expect(await epochsIn(server)).toEqual([settled]);
});

it('ten thousand runs settled at once arrive once each', async () => {
  const epochs = await shipping.settle(...manyRuns(10_000));
  await eventually('marked', () => shipping.ledger.outbox.length === 0);
  expect(await epochsIn(server)).toEqual(epochs.toSorted());
});

it('closing sends what was settled the moment before', async () => {
  const epochs = await shipping.settle(...manyRuns(5));
  await shipping.close();
  expect(await epochsIn(server)).toEqual(epochs.toSorted());
  shipping = startShipping({ url: server.url('relay') });
});

it('closing a shipper that has nothing to send leaves no connection behind', async () => {
  await eventually('connected', () => shipping.shipper.up);
  await shipping.close();
  await eventually('gone', async () => {
    const rows = await server.query("SELECT 1 FROM pg_stat_activity WHERE usename = 'relay'");
    return rows.length === 0;
  });
  expect(shipping.events).toEqual([]);
  shipping = startShipping({ url: server.url('relay') });
});
