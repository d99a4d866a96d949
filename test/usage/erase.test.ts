/** What is left of a user, or of a time, in the ledger's files once an operator has erased it. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { erase } from '../../src/compose/erase-command.ts';
import { openUsageLedger } from '../../src/ledger/ledger.ts';
import { ledgerDirectory } from '../../src/ledger/ledger-directories.ts';
import type { UsageIntent } from '../../src/ledger/port.ts';
import { ledgerFile, SCHEMA_VERSION } from '../../src/ledger/schema.ts';
import { loadPrices } from '../../src/pricing/prices.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { runCommand } from '../support/run-command.ts';
import { intentOf, newDataDir, readingOf, rowsIn, STARTED_AT, settlementOf } from './runs.ts';

const ALICE = '8a6e0804-2bd0-4672-b79d-d97027f9071a';
const BOB = '11111111-2222-4333-8444-555555555555';
const NOBODY = '00000000-0000-0000-0000-000000000000';
const OF_ALICE = [ALICE, 'stream-of-alice', 'req_of_alice'];
const DAY_MS = 86_400_000;

let dataDir: ReturnType<typeof newDataDir>;
beforeEach(() => {
  dataDir = newDataDir();
});
afterEach(() => dataDir.remove());

function open(directory = dataDir.path) {
  return openUsageLedger({
    dataDir: directory,
    prices: () => loadPrices(),
    clock: new ManualClock(),
    onError: () => {},
  });
}

type Ledger = ReturnType<typeof open>;

async function ended(ledger: Ledger, given: Partial<UsageIntent>): Promise<void> {
  const intent = intentOf(given);
  await ledger.open(intent, () => readingOf());
  await ledger.settle(
    settlementOf(intent.epoch, { requestId: intent.userId === ALICE ? 'req_of_alice' : 'req_of_bob' }),
  );
}

/** Three runs of Alice, the last two a day later, and one of Bob. */
async function fill(ledger: Ledger): Promise<void> {
  const ofAlice = { userId: ALICE, streamId: 'stream-of-alice', organizationId: 'school-1' };
  await ended(ledger, ofAlice);
  await ended(ledger, { ...ofAlice, startedAt: STARTED_AT + DAY_MS });
  await ended(ledger, { ...ofAlice, startedAt: STARTED_AT + DAY_MS });
  await ended(ledger, { userId: BOB, streamId: 'stream-of-bob', organizationId: 'school-1' });
}

const typed = (...args: string[]) => runCommand(erase, args, { DATA_DIR: dataDir.path });
const owners = () => rowsIn(dataDir.path).map(({ userId }) => userId);
const costs = () => rowsIn(dataDir.path).map(({ costUsd, organizationId }) => [costUsd, organizationId]);

/** Words that are in any file of the directory, the free space of the database too. */
function foundOf(words: readonly string[]): string[] {
  const files = readdirSync(dataDir.path, { recursive: true, withFileTypes: true }).filter((each) =>
    each.isFile(),
  );
  const held = files.map(({ parentPath, name }) => readFileSync(join(parentPath, name), 'latin1')).join('\n');
  return words.filter((word) => held.includes(word));
}

describe('a user', () => {
  it('is in no file any more, beside a relay that writes; sums, others and what waits for Postgres stay', async () => {
    const ledger = open();
    await fill(ledger);
    expect(foundOf(OF_ALICE)).toEqual(OF_ALICE);
    const before = costs();
    expect(await typed('--user', ALICE.toUpperCase())).toEqual({
      code: 0,
      stdout: `3 runs of ${dataDir.path} made nobody's.\n`,
      stderr: '',
    });
    expect(foundOf(OF_ALICE)).toEqual([]);
    expect(owners()).toEqual([NOBODY, NOBODY, NOBODY, BOB]);
    expect(costs()).toEqual(before);
    expect(ledger.outbox.length).toBe(4);
    expect(ledger.outbox.waiting(0, 10).map(({ json }) => JSON.parse(json))).toMatchObject([
      { user_id: NOBODY, stream_id: 'erased', request_id: null },
      { user_id: NOBODY },
      { user_id: NOBODY },
      { user_id: BOB, stream_id: 'stream-of-bob', request_id: 'req_of_bob' },
    ]);

    await ended(ledger, { userId: BOB }); // the relay goes on
    await ledger.close();
    expect(owners()).toHaveLength(5);
    expect(foundOf(OF_ALICE)).toEqual([]);
  });

  it('has used nothing of a quota any more; others and the school have', async () => {
    const ledger = open();
    await fill(ledger);
    await ledger.close();
    await typed('--user', ALICE);
    using database = new DatabaseSync(ledgerFile(dataDir.path));
    const keys = database.prepare('SELECT DISTINCT key FROM quota_used ORDER BY key').all();
    expect(keys.map(({ key }) => key)).toEqual([
      'requests:chat:organization:school-1',
      `requests:chat:user:${BOB}`,
      'spending',
      'tokens:organization:school-1',
      `tokens:user:${BOB}`,
    ]);
  });

  it('who is being answered is told of, and erased once that has ended', async () => {
    const ledger = open();
    await ended(ledger, { userId: ALICE });
    const running = intentOf({ userId: ALICE });
    await ledger.open(running, () => readingOf());
    const first = await typed('--user', ALICE);
    expect(first.code).toBe(1);
    expect(first.stdout).toBe(
      `1 run of ${dataDir.path} made nobody's.\n1 run left: not ended yet. Erase again when they have.\n`,
    );
    expect(owners()).toEqual([NOBODY, ALICE]);
    await ledger.settle(settlementOf(running.epoch));
    expect(await typed('--user', ALICE)).toMatchObject({ code: 0 });
    expect(owners()).toEqual([NOBODY, NOBODY]);
    await ledger.close();
  });

  it('is erased from the ledgers of all processes', async () => {
    for (const worker of [1, 2]) {
      const ledger = open(ledgerDirectory(dataDir.path, worker));
      await fill(ledger);
      await ledger.close();
    }
    expect((await typed('--user', ALICE)).stdout).toMatch(/^6 runs of /);
    expect(foundOf(OF_ALICE)).toEqual([]);
  });
});

it('of rows that Postgres has had and this disk forgets, nothing stays in the free space of the file', async () => {
  const ledger = open();
  await fill(ledger);
  await ledger.outbox.markShipped(ledger.outbox.waiting(0, 3), STARTED_AT);
  const bobs = Array.from({ length: 200 }, () => ended(ledger, { userId: BOB })); // less than that is left for later
  await Promise.all(bobs);
  await ledger.outbox.prune(STARTED_AT + 1, 1000);
  await ledger.close();
  expect(new Set(owners())).toEqual(new Set([BOB]));
  expect(foundOf(['stream-of-alice', 'req_of_alice'])).toEqual([]);
});

it('--before makes what is older nobody’s, of everybody or of one', async () => {
  const ledger = open();
  await fill(ledger);
  await ledger.close();
  expect((await typed('--user', ALICE, '--before', '2026-11-23')).stdout).toMatch(/^1 run of /);
  expect(owners()).toEqual([NOBODY, ALICE, ALICE, BOB]);
  expect((await typed('--before', '2026-11-23')).stdout).toMatch(/^1 run of /);
  expect(owners()).toEqual([NOBODY, ALICE, ALICE, NOBODY]);
  expect((await typed('--before', '2026-11-23')).stdout).toMatch(/^0 runs of /);
});

it.each([
  [[], 'Say --user or --before.'],
  [['--user', 'alice'], '--user is not the id of a user'],
  [['--before', 'yesterday'], '--before is not a date'],
])('%j is refused with words, and changes nothing', async (args, words) => {
  const ledger = open();
  await fill(ledger);
  await ledger.close();
  const { code, stderr } = await typed(...args);
  expect(code).toBe(2);
  expect(stderr).toContain(words);
  expect(owners()).toEqual([ALICE, ALICE, ALICE, BOB]);
});

it('where no ledger is, or one of another release, it says what to do', async () => {
  expect(await typed('--user', ALICE)).toMatchObject({
    code: 1,
    stderr: `${dataDir.path} holds no ledger. Set DATA_DIR to name another place.\n`,
  });
  await open().close();
  using database = new DatabaseSync(ledgerFile(dataDir.path));
  for (const [version, words] of [
    [SCHEMA_VERSION - 1, /older release .*: start this release once/],
    [SCHEMA_VERSION + 1, /newer release/],
  ] as const) {
    database.exec(`PRAGMA user_version = ${version}`);
    const { code, stderr } = await typed('--user', ALICE);
    expect(code).toBe(1);
    expect(stderr).toMatch(words);
  }
});
