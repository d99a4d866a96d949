/** The whole relay with a mirror: what its log and its metrics tell. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { installMirror } from '../../src/mirror/install.ts';
import { asOwner } from '../../src/postgres/owner.ts';
import { ask, askWhole } from '../support/http-doors.ts';
import { type PostgresServer, startPostgres } from '../support/postgres.ts';
import { startSimulatedRelay } from '../support/relay-process.ts';
import { eventually } from '../support/test-run.ts';
import { definitionOf } from './mirroring.ts';

let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.close());

it('names what the table refuses without a word of a row, and brings it when the table takes it', async () => {
  await server.query('CREATE SCHEMA app; CREATE TABLE app.runs (run text NOT NULL, who uuid NOT NULL)');
  const definition = definitionOf({ table: 'app.runs', columns: { run: 'epoch', who: 'user_id' } });
  await asOwner(server.url('owner'), (query) => installMirror(query, definition));
  await server.query("ALTER TABLE app.runs ADD COLUMN region text NOT NULL DEFAULT 'x'");
  await server.query('ALTER TABLE app.runs ALTER COLUMN region DROP DEFAULT');

  await using relay = await startSimulatedRelay({}, { DATABASE_URL: server.url('relay') });
  const metric = async (name: string) =>
    Number(new RegExp(`^dash_${name} (.*)$`, 'm').exec((await ask(`${relay.url}/metrics`)).body)?.[1]);
  const question = {
    id: randomUUID(),
    action: 'chat',
    model: 'sim:fast',
    messages: [{ role: 'user' as const, content: 'xyzzy-plugh' }],
  };
  const [doesNotFit] = await relay.logged("mirror: the app's table does not fit");
  expect(doesNotFit?.['problem']).toMatch(/^app\.runs\.region is NOT NULL without a default/);
  await askWhole(relay.url, await relay.token(), question);
  const [refused] = await relay.logged("mirror: the app's table refuses runs: kept, tried again");
  expect(refused).toMatchObject({ table: 'app.runs', sqlstate: '23502', column: 'region', rows: 1 });
  await eventually('counted', async () => (await metric('mirror_rows_refused')) === 1);
  expect(await metric('mirror_problems')).toBe(1);
  expect(await metric('mirror_up')).toBe(1);
  expect(await metric('usage_rows_waiting')).toBe(0);
  expect(await metric('usage_rows_quarantined')).toBe(0);

  await server.query('ALTER TABLE app.runs ALTER COLUMN region DROP NOT NULL');
  await server.query('UPDATE dash_relay.mirror_rows SET next_at = now()');
  await askWhole(relay.url, await relay.token(), { ...question, id: randomUUID() });
  await relay.logged("mirror: the app's table has all runs again");
  expect(await server.query('SELECT FROM app.runs')).toHaveLength(2);
  await eventually('counted', async () => (await metric('mirror_problems')) === 0);
  expect(await metric('mirror_rows_refused')).toBe(0);
  expect(relay.logText.join('\n')).not.toMatch(/xyzzy|password@/);
});
