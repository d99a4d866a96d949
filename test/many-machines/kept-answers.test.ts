/** Kept answers of whole relays: after the resume window, after a restart and a kill, and after they were forgotten. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { HeldStream } from '../support/held-stream.ts';
import { ask, resumeEvents } from '../support/http-doors.ts';
import { type PostgresServer, startPostgres } from '../support/postgres.ts';
import type { RelayClient } from '../support/relay-client.ts';
import { dataDirectory, type RelayChild } from '../support/relay-process.ts';
import { eventually } from '../support/test-run.ts';
import { type Machines, startMachines, tokenOf } from './machines.ts';

const CANARY = 'canary-of-the-first-user';
const DELTAS = Array.from({ length: 60 }, (_, at) => `${CANARY} ${at} é, `);
const ENVIRONMENT = { KEEP_ANSWERS_HOURS: '1', RESUME_WINDOW_MS: '1000' };

it('a kept answer is read back as it was told, until it is forgotten; then nothing of it is anywhere', async () => {
  await using open = new AsyncDisposableStack();
  const postgres = await startPostgres();
  open.defer(() => postgres.close());
  const environment = { ...ENVIRONMENT, DATABASE_URL: postgres.url('relay') };
  const machines = open.use(
    await startMachines(0, { pace: { firstTokenMs: 5, deltasPerSecond: 50 } }, environment),
  );
  const { simulator } = machines;
  simulator.always({ deltas: DELTAS });
  const disk = open.use(dataDirectory()).path;
  const first = await machines.launch({}, disk);
  const client = await connected(machines, first);
  const ended = client.start({ id: 'an-answer-that-ended' });
  await client.ended(ended);
  const cut = client.start({ id: 'an-answer-that-was-cut' });
  await client.until(() => cut.seq > 55 || undefined); // more than a second of it
  first.kill('SIGKILL');
  await first.exited;

  // On another machine, by Postgres.
  const other = await machines.launch();
  const there = await connected(machines, other);
  await eventually('it is in Postgres', async () => (await stateAt(other, ended.id)) === 200);
  const elsewhere = follow(there, ended);
  await there.ended(elsewhere);
  expect(elsewhere.text).toBe(ended.text);
  expect(elsewhere.ending).toEqual(ended.ending);

  const second = await machines.launch({}, disk);
  const reader = await connected(machines, second);
  const whole = follow(reader, ended);
  await reader.ended(whole);
  expect(whole.text).toBe(DELTAS.join(''));
  expect(whole.ending).toEqual(ended.ending);
  const rest = follow(reader, cut, cut.epoch, cut.seq);
  expect(await reader.ended(rest)).toMatchObject({ type: 'error', code: 'interrupted' });
  const saved = new HeldStream(cut.startFrame, cut.id);
  saved.epoch = cut.epoch;
  await resumeEvents(second.url, tokenOf(), saved);
  expect(cut.text.startsWith(saved.text)).toBe(true);
  expect(saved.seq).toBeGreaterThan(0);
  const again = reader.start({ id: ended.id });
  await reader.ended(again);
  expect(again.text).toBe(ended.text);
  reader.start({ id: ended.id, maxTokens: 7 });
  expect(await reader.refused('start')).toMatchObject({ code: 'conflict' });
  expect(simulator.requests).toHaveLength(2);

  const stranger = await connected(machines, second, 2);
  for (const { id, epoch } of [ended, cut]) {
    stranger.send({ type: 'resume', id, epoch, after: 0 });
    expect(await stranger.refused('resume')).toMatchObject({ code: 'unknown_stream' });
  }
  simulator.always({ deltas: Array.from({ length: 100 }, () => DELTAS).flat() }); // it does not end by itself
  const live = there.start({ id: 'an-answer-that-is-live' });
  await there.until(() => live.seq > 5 || undefined);
  expect((await answersIn(postgres)).length).toBeGreaterThan(0);
  const forgotten = await ask(`${second.url}/v1/streams/${ended.id}?forget=true`, {
    method: 'DELETE',
    token: tokenOf(),
  });
  expect(forgotten).toMatchObject({ status: 204, body: '' });
  expect(await stateAt(second, ended.id)).toBe(404);
  expect(await stateAt(second, cut.id)).toBe(200);
  const all = await ask(`${second.url}/v1/streams`, { method: 'DELETE', token: tokenOf() });
  expect(all).toMatchObject({ status: 204, body: '' });
  expect(await there.ended(live)).toMatchObject({ type: 'cancelled' });
  for (const relay of [second, other])
    for (const { id } of [ended, cut, live]) expect(await stateAt(relay, id)).toBe(404);
  for (const relay of [second, other]) expect(wordsIn(relay)).toEqual([]);
  expect(await wordsInRedis(machines)).toEqual([]);
  expect(await answersIn(postgres)).toEqual([]);
}, 180_000);

async function connected(machines: Machines, relay: RelayChild, user = 1): Promise<RelayClient> {
  const client = machines.client(relay, { user });
  await client.connect();
  return client;
}

function follow(client: RelayClient, stream: HeldStream, epoch?: string, after = 0): HeldStream {
  const adopted = client.adopt(stream);
  adopted.epoch = epoch;
  if (after > 0) Object.assign(adopted, { seq: after, text: stream.text });
  client.send({ type: 'resume', id: stream.id, epoch, after });
  return adopted;
}

async function stateAt({ url }: RelayChild, id: string): Promise<number> {
  return (await ask(`${url}/v1/streams/${id}/state`, { token: tokenOf() })).status;
}

/** Files of its disk that hold words of an answer. */
function wordsIn({ dataDir }: RelayChild): string[] {
  const files = readdirSync(dataDir, { recursive: true, withFileTypes: true }).filter((each) =>
    each.isFile(),
  );
  return files
    .map(({ parentPath, name }) => join(parentPath, name))
    .filter((path) => readFileSync(path).includes(CANARY));
}

/** Of all users: there is one. */
async function answersIn(postgres: PostgresServer): Promise<unknown[]> {
  return await postgres.query('SELECT stream_id FROM dash_relay.answers');
}

async function wordsInRedis({ redis: { client } }: Machines): Promise<string[]> {
  const keys = await client.keys('*');
  const dumps = await Promise.all(keys.map(async (key) => [key, await client.dumpBuffer(key)] as const));
  return dumps.filter(([, dump]) => dump?.includes(CANARY)).map(([key]) => key);
}
