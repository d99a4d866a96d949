import { DatabaseSync } from 'node:sqlite';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { ledgerFile } from '../../../src/ledger/schema.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { type PostgresServer, startPostgres } from '../../support/postgres.ts';
import { eventually } from '../../support/test-run.ts';
import { newDataDir } from '../runs.ts';
import { startLostAnswerProxy } from './lost-answer-proxy.ts';
import { breathe, epochsIn, manyRuns, startShipping } from './shipping.ts';

let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres();
});
afterEach(() => server.query('TRUNCATE dash_relay.usage'));
afterAll(() => server.close());

it('connections cut between COMMIT and its answer leave one row for each run', async () => {
  const proxy = await startLostAnswerProxy(server.port, 3);
  const clock = new ManualClock();
  const shipping = startShipping({ url: server.url('relay', proxy.port), clock });
  const epochs = await shipping.settle(...manyRuns(2500));
  await eventually('all shipped', async () => {
    clock.advance(1000);
    await breathe();
    return shipping.ledger.outbox.length === 0;
  });
  expect(proxy.lost).toBe(3);
  expect(await epochsIn(server)).toEqual(epochs.toSorted());
  await shipping.close();
  await proxy.close();
});

it('a crash between the commit and its mark on disk sends rows again, and leaves one of each', async () => {
  const dataDir = newDataDir();
  const before = startShipping({ url: server.url('relay'), dataDir: dataDir.path });
  const epochs = await before.settle(...manyRuns(40));
  await before.close();
  const file = new DatabaseSync(ledgerFile(dataDir.path));
  file.exec('UPDATE runs SET shipped_at = NULL');
  file.close();
  await server.query("UPDATE dash_relay.usage SET instance = 'first'");

  const after = startShipping({ url: server.url('relay'), dataDir: dataDir.path });
  expect(after.ledger.outbox.length).toBe(40);
  await eventually('shipped', () => after.ledger.outbox.length === 0);
  expect(await epochsIn(server)).toEqual(epochs.toSorted());
  expect(await server.query("SELECT 1 FROM dash_relay.usage WHERE instance <> 'first'")).toEqual([]);
  await after.close();
  dataDir.remove();
});

it('a ledger of the release before, with rows that never left, is shipped whole', async () => {
  const dataDir = newDataDir();
  const older = startShipping({ url: 'postgres://127.0.0.1:1/nowhere', dataDir: dataDir.path });
  const epochs = await older.settle(...manyRuns(3));
  await older.close();
  const file = new DatabaseSync(ledgerFile(dataDir.path));
  file.exec(
    `DROP TABLE answer_pieces; DROP TABLE answer_secrets; DROP TABLE answers; DROP TABLE webhook_events;
      ALTER TABLE runs DROP COLUMN notify; DROP TABLE answer_reports; DROP TABLE quarantine; DROP TRIGGER runs_count_unpriced; ALTER TABLE runs DROP COLUMN budget_pico;
      ALTER TABLE runs DROP COLUMN output_cost_pico; ALTER TABLE runs DROP COLUMN served_model;
      ${['thinking_tokens', 'web_searches', 'inference_geo', 'service_tier', 'speed', 'uncharged']
        .map((column) => `ALTER TABLE runs DROP COLUMN ${column};`)
        .join(' ')} PRAGMA user_version = 2`,
  );
  file.close();
  const shipping = startShipping({ url: server.url('relay'), dataDir: dataDir.path });
  await eventually('shipped', () => shipping.ledger.outbox.length === 0);
  const rows = await server.query(
    'SELECT epoch, cost_usd, output_cost_usd FROM dash_relay.usage ORDER BY epoch COLLATE "C"',
  );
  expect(rows).toEqual(
    epochs.toSorted().map((epoch) => ({ epoch, cost_usd: '0.003240000000', output_cost_usd: null })),
  );
  await shipping.close();
  dataDir.remove();
});

it('a schema of the release after, with more columns, takes the rows of this one', async () => {
  await server.query(
    "ALTER TABLE dash_relay.usage ADD COLUMN later text, ADD COLUMN newer text NOT NULL DEFAULT 'x'",
  );
  const shipping = startShipping({ url: server.url('relay') });
  const epochs = await shipping.settle(...manyRuns(3));
  await eventually('shipped', () => shipping.ledger.outbox.length === 0);
  expect(await epochsIn(server)).toEqual(epochs.toSorted());
  await shipping.close();
});
