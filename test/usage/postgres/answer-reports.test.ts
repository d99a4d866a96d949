/** Reports of answers: from a person by `POST /v1/reports` to the disk, to Postgres, to whoever reads them, and gone with their user. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { erase } from '../../../src/compose/erase-command.ts';
import { chooseErasure } from '../../../src/postgres/erasure.ts';
import { asOwner } from '../../../src/postgres/owner.ts';
import { answerReports } from '../../../src/reports/answer-reports-command.ts';
import { ask, askEvents } from '../../support/http-doors.ts';
import { type PostgresServer, startPostgres } from '../../support/postgres.ts';
import { type ComposedRelay, startRelay, userId } from '../../support/relay-process.ts';
import { runCommand } from '../../support/run-command.ts';
import { eventually } from '../../support/test-run.ts';

const SECRET = 'Zebrafink';
const MINE = { id: 'report-1', streamId: 'question-1', category: 'wrong' } as const;

const post = async ({ url }: ComposedRelay, body: unknown, token: string) =>
  ask(`${url}/v1/reports`, { method: 'POST', token, body: JSON.stringify(body) });
const codeOf = ({ body }: { readonly body: string }) =>
  (JSON.parse(body) as { readonly error: { readonly code: string; readonly message: string } }).error;

/** Asked and answered: the epoch of its run. */
async function answered(relay: ComposedRelay, user: number, id: string): Promise<string> {
  const messages = [{ role: 'user', content: 'Why?' }] as const;
  const { epoch } = await askEvents(relay.url, await relay.token(user), { id, action: 'chat', messages });
  if (epoch === undefined) throw new Error('it was not accepted');
  return epoch;
}

function filesOf(dataDir: string): string {
  return readdirSync(dataDir, { recursive: true, withFileTypes: true })
    .filter((each) => each.isFile())
    .map(({ parentPath, name }) => readFileSync(join(parentPath, name), 'latin1'))
    .join('\n');
}

describe('without Postgres', () => {
  let relay: ComposedRelay;
  beforeAll(async () => {
    relay = await startRelay();
  });
  afterAll(() => relay[Symbol.asyncDispose]());
  const listed = async (...args: string[]) =>
    (await runCommand(answerReports, args, { DATA_DIR: relay.dataDir })).stdout;

  it('keeps ids and a category, and words only where they were sent, once each', async () => {
    const token = await relay.token(1);
    const epoch = await answered(relay, 1, 'question-1');
    const first = { ...MINE, epoch };
    const withWords = {
      ...first,
      id: 'report-2',
      category: 'unsafe',
      answer: SECRET,
      note: 'It\u0000 burns',
    };
    for (const each of [first, withWords, first, withWords])
      expect(await post(relay, each, token)).toMatchObject({ status: 204, body: '' });
    const lines = (await listed('--json', '--words')).trim().split('\n');
    expect(lines.map((line) => JSON.parse(line) as object)).toEqual([
      expect.objectContaining({ ...first, userId: userId(1), answer: null, note: null }),
      expect.objectContaining({ ...withWords, note: 'It\ufffd burns' }),
    ]);
    expect(await listed()).toContain('with words: --words shows them');
    expect(await listed()).not.toContain(SECRET);
    expect(await listed('--words')).toContain(`the answer: ${SECRET}`);
    expect(await listed('--from', '2999-01-01')).toBe('Nothing was reported.\n');
  });

  it('tells the log and the metrics ids and a category, and no word', async () => {
    const lines = await relay.logged('answer reported', 4);
    expect(lines[1]).toMatchObject({ userId: userId(1), streamId: 'question-1', category: 'unsafe' });
    expect(relay.logText.join('\n')).not.toMatch(new RegExp(`${SECRET}|burns`));
    const { body } = await ask(`${relay.url}/metrics`);
    expect(body).toMatch(/dash_answer_reports_total\{category="unsafe"[^}]*\} 2/);
    expect(body).not.toContain(SECRET);
  });

  it('takes none of somebody else’s answer, by the same words as of one that is not there', async () => {
    const epoch = await answered(relay, 1, 'question-2');
    const stolen = { ...MINE, streamId: 'question-2', epoch };
    const other = await post(relay, stolen, await relay.token(2));
    expect([other.status, codeOf(other).code]).toEqual([404, 'unknown_stream']);
    const wrong = await post(relay, { ...stolen, streamId: 'question-1' }, await relay.token(1));
    expect(codeOf(wrong)).toMatchObject({ code: 'unknown_stream' });
  });

  it.each<readonly [string, object]>([
    ['category: ', { ...MINE, category: 'boring' }],
    ['streamId: ', { ...MINE, streamId: 'a b' }],
    ['id: ', { ...MINE, id: '' }],
    ['epoch: ', { ...MINE, epoch: 'x' }],
    ['answer: ', { ...MINE, answer: 'x'.repeat(16_001) }],
    ['note: ', { ...MINE, note: 'x'.repeat(1001) }],
    ['unknown field "userId"', { ...MINE, userId: userId(2) }],
  ])('refuses what it does not know: %s', async (place, body) => {
    const answer = await post(relay, body, await relay.token(3));
    expect(answer.status).toBe(400);
    expect(codeOf(answer).message).toContain(place);
  });

  it('refuses who has no token, what is too large, and who reports without end', async () => {
    expect(await post(relay, MINE, 'none')).toMatchObject({ status: 401 });
    expect(await post(relay, { ...MINE, note: 'x'.repeat(140_000) }, await relay.token(3))).toMatchObject({
      status: 413,
    });
    const token = await relay.token(4);
    const statuses: number[] = [];
    for (let n = 0; n < 11; n += 1)
      statuses.push((await post(relay, { ...MINE, id: `report-${n}` }, token)).status);
    expect(statuses).toEqual([...Array(10).fill(204), 429]);
  });

  it('is gone from the files with its user, words and all', async () => {
    expect(filesOf(relay.dataDir)).toContain(SECRET);
    const { code } = await runCommand(erase, ['--user', userId(1)], { DATA_DIR: relay.dataDir });
    expect(code).toBe(0);
    expect(filesOf(relay.dataDir)).not.toContain(SECRET);
    expect(await listed()).not.toContain(userId(1));
  });
});

describe('with Postgres', () => {
  let server: PostgresServer;
  let relay: ComposedRelay;
  beforeAll(async () => {
    server = await startPostgres();
    relay = await startRelay({ DATABASE_URL: server.url('relay') });
  });
  afterAll(async () => {
    await relay[Symbol.asyncDispose]();
    await server.close();
  });
  const stored = () =>
    server.query<{ id: string; answer: string | null }>(
      'SELECT id, user_id, stream_id, epoch, category, answer FROM dash_relay.reports ORDER BY reported_at',
    );
  const listed = async () =>
    (
      await runCommand(answerReports, ['--json', '--words'], {
        DATA_DIR: relay.dataDir,
        DATABASE_MIGRATION_URL: server.url('owner'),
      })
    ).stdout
      .trim()
      .split('\n');

  const listedHere = async () =>
    (await runCommand(answerReports, ['--json'], { DATA_DIR: relay.dataDir })).stdout;

  it('arrives there once, however often it is sent, and leaves the disk', async () => {
    const token = await relay.token(1);
    const said = { ...MINE, answer: SECRET };
    expect(await post(relay, said, token)).toMatchObject({ status: 204 });
    await eventually('arrived', async () => (await stored()).length === 1);
    expect(await post(relay, said, token)).toMatchObject({ status: 204 });
    await eventually('left', async () => (await listedHere()) === '');
    expect(await listed()).toHaveLength(1);
    expect(await stored()).toEqual([
      {
        id: 'report-1',
        user_id: userId(1),
        stream_id: 'question-1',
        epoch: null,
        category: 'wrong',
        answer: SECRET,
      },
    ]);
  });

  it('is kept while Postgres is away, is listed meanwhile, and arrives after', async () => {
    await server.stop();
    expect(await post(relay, { ...MINE, id: 'report-2' }, await relay.token(1))).toMatchObject({
      status: 204,
    });
    await relay.logged('reports of answers do not reach Postgres: kept, tried again');
    expect(await listedHere()).toContain('report-2');
    await server.start();
    await eventually('arrived', async () => (await stored()).length === 2);
  });

  it('is read by nobody but the owner', async () => {
    const { default: pg } = await import('pg');
    const client = new pg.Client({ connectionString: server.url('relay') });
    await client.connect();
    await expect(client.query('SELECT * FROM dash_relay.reports')).rejects.toThrow(/permission denied/);
    await client.end();
  });

  it('goes with its user, and one that comes later stays nowhere', async () => {
    await asOwner(server.url('owner'), (query) => chooseErasure(query, 'clear'));
    await post(relay, { ...MINE, id: 'report-3' }, await relay.token(2));
    await eventually('arrived', async () => (await stored()).length === 3);
    await server.query('SELECT dash_relay.erase_user($1)', [userId(1)]);
    await post(relay, { ...MINE, id: 'report-4' }, await relay.token(1));
    await post(relay, { ...MINE, id: 'report-5' }, await relay.token(2));
    await eventually('arrived', async () => (await stored()).length === 2);
    expect((await stored()).map(({ id }) => id)).toEqual(['report-3', 'report-5']);
  });
});
