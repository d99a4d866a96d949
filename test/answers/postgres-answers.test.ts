/** Kept answers on their way to a real Postgres, and read back from there by another machine. */
import { setImmediate as nextTurn, setTimeout as wait } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { AnswerShipper } from '../../src/answers/answer-shipper.ts';
import { PostgresAnswers } from '../../src/answers/postgres-answers.ts';
import { AnswerKeys } from '../../src/answers/seal.ts';
import { StoredAnswers } from '../../src/answers/stored-answers.ts';
import { erase } from '../../src/compose/erase-command.ts';
import { exportCommand } from '../../src/compose/export-command.ts';
import { type LocalUsageLedger, openUsageLedger } from '../../src/ledger/ledger.ts';
import { openPostgresPool, type PostgresPool } from '../../src/postgres/pool.ts';
import { loadPrices } from '../../src/pricing/prices.ts';
import { systemClock } from '../../src/time/clock.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { type PostgresServer, startPostgres } from '../support/postgres.ts';
import { runCommand } from '../support/run-command.ts';
import { intentOf, newDataDir } from '../usage/runs.ts';
import { HOUR_MS, SpokenAnswer } from './spoken-answer.ts';

const KEY = Buffer.from(Array.from({ length: 32 }, (_, at) => at));
const USER = intentOf().userId;
const OTHER = '8a6e0804-2bd0-4672-b79d-d97027f9071b';
const prices = loadPrices();
let server: PostgresServer;
let pool: PostgresPool;
let dataDir: ReturnType<typeof newDataDir>;
let clock: ManualClock;
let heard: string[];
let ledger: LocalUsageLedger;

beforeAll(async () => {
  server = await startPostgres();
  pool = openPostgresPool(server.url('relay'), 2, () => {});
});
afterAll(async () => {
  await pool.close();
  await server.close();
});

beforeEach(async () => {
  await server.query(
    'TRUNCATE dash_relay.answers, dash_relay.answer_pieces, dash_relay.forgotten_answers, dash_relay.forgotten_streams',
  );
  dataDir = newDataDir();
  clock = new ManualClock(Date.now());
  heard = [];
  ledger = open();
});
afterEach(async () => {
  await ledger.close();
  dataDir.remove();
});

function open(): LocalUsageLedger {
  return openUsageLedger({
    dataDir: dataDir.path,
    prices: () => prices,
    clock,
    onError: (what, cause) => heard.push(`${what}: ${String(cause)}`),
  });
}

function postgres(keys: readonly Buffer[] = []): PostgresAnswers {
  const onSealed = () => heard.push('sealed');
  return new PostgresAnswers({ pool, keys: new AnswerKeys(keys), forgottenMs: 2 * HOUR_MS, onSealed });
}

/** What another machine has: nothing of its own. */
function elsewhere(keys: readonly Buffer[] = []): StoredAnswers {
  const onFailed = (what: string, cause: unknown) => heard.push(`${what}: ${String(cause)}`);
  return new StoredAnswers({ local: [], remote: postgres(keys), clock: systemClock, onFailed });
}

function shipper(keys: readonly Buffer[] = []): AnswerShipper {
  return new AnswerShipper({
    answers: ledger.answers,
    postgres: postgres(keys),
    clock,
    isKeeping: true,
    onOutage: ({ cause }) => heard.push(`outage: ${String(cause)}`),
    onRecovered: () => heard.push('recovered'),
    onRefused: ({ reason }) => heard.push(`refused: ${reason}`),
  });
}

/** Moves time on until something is so there. */
async function until(isSo: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await isSo())) {
    clock.advance(250);
    await nextTurn();
    await wait(2); // Postgres answers in its own time
  }
}

const said = async (id: string, keys: readonly Buffer[] = []) =>
  (await elsewhere(keys).find(USER, id))?.deltas;
const startedNow = (streamId: string, userId = USER) =>
  new SpokenAnswer(intentOf({ streamId, userId, startedAt: clock.now() }));

it('arrives while it grows and is read back elsewhere delta by delta; with its ending it is one row, and the disk lets it go', async () => {
  const sending = shipper();
  const answer = startedNow('growing');
  await answer.open(ledger);
  answer.say('Ünï', 'cödé \ud83d\ude00', '');
  await until(async () => (await said('growing'))?.length === 3);
  answer.say('\u0000 and "more"\n', 'half a pair: \ud83d');
  await until(async () => (await said('growing'))?.length === 5);
  const live = await elsewhere().find(USER, 'growing');
  expect(live).toMatchObject({ ...answer.kept, endedAt: null, ending: undefined, isDead: false });
  answer.say(' the end');
  const { costUsd } = await answer.settle(ledger);
  await until(() => ledger.answers.length === 0);
  const { startedAt, epoch } = answer.intent;
  const kept = {
    ...answer.kept,
    epoch,
    endedAt: startedAt + 2000,
    ending: answer.endingAt(costUsd),
    isDead: false,
  };
  expect(await elsewhere().find(USER, 'growing')).toEqual(kept);
  const { deltas: _, ...listed } = kept;
  expect(await elsewhere().list(USER, { limit: 5 })).toEqual([listed]);
  expect(await elsewhere().find(OTHER, 'growing')).toBeUndefined();
  expect(ledger.answers.find(USER, 'growing')).toBeUndefined();
  expect(await server.query('SELECT FROM dash_relay.answer_pieces')).toEqual([]);
  const [row] = await server.query<{ text: string }>('SELECT text::text FROM dash_relay.answers');
  expect(JSON.parse(row?.text ?? '')).toBe(answer.text);
  await sending.close();
  expect(heard).toEqual([]);
});

it('an outage loses nothing: what ended meanwhile arrives whole, also from the next process', async () => {
  await server.stop();
  let sending = shipper();
  const first = startedNow('first');
  await first.open(ledger);
  first.say('said in the outage');
  await until(() => heard.length > 0);
  await first.settle(ledger);
  const broken = startedNow('broken');
  await broken.open(ledger);
  broken.say('and broken off');
  clock.advance(1000);
  await nextTurn();
  const closing = sending.close();
  await until(async () => await Promise.race([closing.then(() => true), nextTurn(false)]));
  await ledger.close();
  ledger = open();
  await server.start();
  sending = shipper();
  await until(() => ledger.answers.length === 0);
  expect(await said('first')).toEqual(first.kept.deltas);
  expect(await elsewhere().find(USER, 'broken')).toMatchObject({
    deltas: broken.kept.deltas,
    ending: { type: 'error', code: 'interrupted', seq: 1 },
  });
  await sending.close();
  expect(heard[0]).toContain('outage');
});

it('where answers end faster than they are sent, live ones grow there and go on all the same, and what waits for longest goes first', async () => {
  const waiting = startedNow('waiting');
  await waiting.open(ledger);
  waiting.say('from before');
  await waiting.settle(ledger);
  const live = startedNow('live');
  await live.open(ledger);
  const sent: string[] = [];
  let left = 30;
  const keep = async (page: Parameters<PostgresAnswers['keep']>[0]) => {
    sent.push(...page.map(({ streamId, endedAt }) => `${streamId} ${endedAt === null ? 'grew' : 'ended'}`));
    if (left === 0) return [];
    const next = startedNow(`next ${left--}`);
    await next.open(ledger);
    next.say('x');
    await next.settle(ledger);
    if (left === 25) live.say('more');
    clock.advance(1000);
    return [];
  };
  const goOn = async () => sent.push('all go on');
  const parts = {
    answers: ledger.answers,
    clock,
    isKeeping: true,
    onOutage() {},
    onRecovered() {},
    onRefused() {},
  };
  const sending = new AnswerShipper({ ...parts, postgres: { keep, goOn, purge: async () => 0 } });
  await until(() => left === 0 && ledger.answers.length === 0);
  await sending.close();
  const last = sent.indexOf('next 1 ended');
  expect(sent.indexOf('waiting ended')).toBeLessThan(3);
  expect(sent.slice(0, last).filter((event) => event === 'live grew')).toHaveLength(2);
  expect(sent.slice(0, last).filter((event) => event === 'all go on').length).toBeGreaterThan(1);
});

it('after an erasure nothing of it is in Postgres, nor what arrives later; others and what is asked anew stay', async () => {
  const sending = shipper();
  const [late, other] = [startedNow('late'), startedNow('late', OTHER)];
  for (const answer of [late, other]) {
    await answer.open(ledger);
    answer.say(`a canary of ${answer.intent.userId}`);
  }
  await until(async () => (await said('late'))?.length === 1);
  // By another machine, which does not know who writes it.
  await elsewhere().forget(USER, 'late');
  late.say(' that goes on');
  clock.advance(1000);
  await nextTurn();
  await until(() => ledger.answers.find(USER, 'late') === undefined);
  await late.settle(ledger);
  await other.settle(ledger);
  clock.advance(1000);
  const again = startedNow('late');
  await again.open(ledger);
  again.say('asked anew');
  await again.settle(ledger);
  await until(() => ledger.answers.length === 0);
  expect(await said('late')).toEqual(again.kept.deltas);
  expect((await elsewhere().find(OTHER, 'late'))?.deltas).toEqual(other.kept.deltas);
  expect(await dump()).not.toContain(`canary of ${USER}`);
  expect(await dump()).toContain(`canary of ${OTHER}`);
  await elsewhere().forget(USER);
  expect(await elsewhere().list(USER, { limit: 5 })).toEqual([]);
  await sending.close();
  expect(heard).toEqual([]);
});

it('with ANSWERS_KEY no word of it is in a dump, who has the key reads it, and a row moved to another user opens for nobody', async () => {
  const sending = shipper([KEY]);
  const answer = startedNow('sealed');
  await answer.open(ledger);
  answer.say('a canary', ' in a cage');
  await until(async () => (await said('sealed', [KEY]))?.length === 2);
  expect(await dump()).not.toMatch(/canary|hash of/);
  await answer.settle(ledger);
  await until(() => ledger.answers.length === 0);
  const found = await elsewhere([Buffer.alloc(32, 7), KEY]).find(USER, 'sealed');
  expect(found).toMatchObject(answer.kept);
  expect(await dump()).not.toMatch(/canary|hash of/);
  expect(await said('sealed')).toBeUndefined();
  await server.query('UPDATE dash_relay.answers SET user_id = $1', [OTHER]);
  expect(await elsewhere([KEY]).find(OTHER, 'sealed')).toBeUndefined();
  expect(heard).toEqual(['sealed', 'sealed']);
  await sending.close();
});

it('relays may ask by user alone, and users read their own; what is over is not found, and goes', async () => {
  const sending = shipper();
  for (const answer of [startedNow('mine'), startedNow('theirs', OTHER)]) {
    await answer.open(ledger);
    answer.say('text of one');
    await answer.settle(ledger);
  }
  await until(() => ledger.answers.length === 0);
  await expect(pool.query('SELECT FROM dash_relay.answers', [])).rejects.toThrow('permission denied');
  await expect(pool.query('DELETE FROM dash_relay.answers', [])).rejects.toThrow('permission denied');
  await expect(pool.query('SELECT dash_relay.erase_user(gen_random_uuid())', [])).rejects.toThrow(
    'permission denied',
  );
  const [mine] = await server.query<{ text: string; keep_until: Date }>(
    'SELECT text, keep_until FROM dash_relay.answers WHERE user_id = $1',
    [USER],
  );
  expect(mine?.text).toBe('text of one');
  await server.query(
    "UPDATE dash_relay.answers SET keep_until = now() - interval '1 second', seen_at = now() - interval '31 seconds'",
  );
  expect(await elsewhere().find(USER, 'mine')).toBeUndefined();
  // A clock that is behind deletes nothing.
  expect(await postgres().purge(Date.now() - HOUR_MS, 10)).toBe(0);
  expect(await postgres().purge(Date.now() + HOUR_MS, 10)).toBe(2);
  await sending.close();
});

it('whose machine has not been heard of for 30 s is dead', async () => {
  const sending = shipper();
  const answer = startedNow('dead');
  await answer.open(ledger);
  answer.say('and then');
  await until(async () => (await said('dead'))?.length === 1);
  expect((await elsewhere().find(USER, 'dead'))?.isDead).toBe(false);
  await server.query("UPDATE dash_relay.answers SET seen_at = now() - interval '31 seconds'");
  expect((await elsewhere().find(USER, 'dead'))?.isDead).toBe(true);
  clock.advance(10_000);
  await until(async () => (await elsewhere().find(USER, 'dead'))?.isDead === false);
  await sending.close();
});

it('export prints all that is kept of a user; erase leaves nothing of it here or there, also of what is being written', async () => {
  const environment = {
    DATA_DIR: dataDir.path,
    DATABASE_URL: server.url('relay'),
    DATABASE_MIGRATION_URL: server.url('owner'),
    ANSWERS_KEY: KEY.toString('base64'),
  };
  const sending = shipper([KEY]);
  const [arrived, writing, other] = [
    startedNow('arrived'),
    startedNow('writing'),
    startedNow('theirs', OTHER),
  ];
  for (const answer of [arrived, writing, other]) {
    await answer.open(ledger);
    answer.say(`a canary of ${answer.intent.streamId}`);
  }
  await arrived.settle(ledger);
  await until(async () => ledger.answers.length === 0 && (await said('writing', [KEY]))?.length === 1);
  const printed = await runCommand(exportCommand, ['--user', USER], environment);
  expect(printed).toMatchObject({ code: 0, stderr: '' });
  const lines = printed.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const answers = lines
    .filter(({ kind }) => kind === 'answer')
    .map(({ place, text }) => [place === 'Postgres', text]);
  expect(answers.sort()).toEqual([
    [false, writing.text],
    [true, arrived.text],
    [true, writing.text],
  ]);
  expect(lines.filter(({ kind }) => kind === 'usage').length).toBeGreaterThan(0);
  expect(printed.stdout).not.toContain('theirs');
  const unopened = await runCommand(exportCommand, ['--user', USER], { ...environment, ANSWERS_KEY: '' });
  expect(unopened.stdout).toContain('"text":null,"sealed":true');
  expect(unopened.stdout).not.toContain('canary of arrived');

  const erased = await runCommand(erase, ['--user', USER], environment);
  expect(erased).toMatchObject({ code: 1, stderr: '' });
  expect(erased.stdout).toContain('2 kept answers of Postgres deleted.');
  writing.say(' that goes on');
  clock.advance(1000);
  await nextTurn();
  await writing.settle(ledger);
  clock.advance(1000);
  expect((await runCommand(exportCommand, ['--user', USER], environment)).stdout).not.toContain(
    '"kind":"answer"',
  );
  expect((await elsewhere([KEY]).find(OTHER, 'theirs'))?.deltas).toEqual(other.kept.deltas);
  expect(ledger.answers.length).toBe(0);
  await sending.close();
  expect(heard).toEqual([]);
});

/** What an operator's backup has: all tables, with bytes as they are. */
async function dump(): Promise<string> {
  const tables = await server.query<{ name: string }>(
    "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'dash_relay'",
  );
  const rows = tables.map(({ name }) => `SELECT t::text AS row FROM dash_relay.${name} AS t`);
  await server.query("ALTER ROLE postgres SET bytea_output = 'escape'");
  const all = await server.query<{ row: string }>(rows.join(' UNION ALL '));
  return all.map(({ row }) => row).join('\n');
}
