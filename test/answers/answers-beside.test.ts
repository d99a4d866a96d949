/** Kept answers of the other processes of one machine: read and erased beside whoever writes them. */
import { readFileSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { AnswerKeys } from '../../src/answers/seal.ts';
import { AnswersBeside } from '../../src/ledger/answers-beside.ts';
import { isDirectoryLocked } from '../../src/ledger/directory-lock.ts';
import { openUsageLedger } from '../../src/ledger/ledger.ts';
import { ledgerDirectories, ledgerDirectory } from '../../src/ledger/ledger-directories.ts';
import { ledgerFile } from '../../src/ledger/schema.ts';
import { loadPrices } from '../../src/pricing/prices.ts';
import { fromWire } from '../../src/protocol/wire-text.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { intentOf, newDataDir, STARTED_AT } from '../usage/runs.ts';
import { HOUR_MS, SpokenAnswer } from './spoken-answer.ts';

const USER = intentOf().userId;
const OTHER = '8a6e0804-2bd0-4672-b79d-d97027f9071b';
const KEYS = new AnswerKeys([Buffer.alloc(32, 3)]);
const prices = loadPrices();

/** A machine of two processes, and what a third one sees of their answers. */
function machine() {
  const data = newDataDir();
  const clock = new ManualClock();
  const heard: string[] = [];
  const open = (number: number) =>
    openUsageLedger({
      dataDir: ledgerDirectory(data.path, number),
      prices: () => prices,
      clock,
      answerKeys: KEYS,
      onError: (what) => expect.unreachable(what),
    });
  const beside = (keys = KEYS) =>
    new AnswersBeside({
      directories: () => ledgerDirectories(data.path),
      isTaken: isDirectoryLocked,
      keys,
      now: () => clock.now(),
      onSealed: () => heard.push('sealed'),
    });
  const [one, two] = [open(1), open(2)];
  onTestFinished(async () => {
    await one.close();
    await two.close();
    data.remove();
  });
  const filesOf = (number: number) =>
    ['', '-wal'].map((end) => readFileSync(`${ledgerFile(ledgerDirectory(data.path, number))}${end}`));
  return { clock, heard, beside, one, two, filesOf };
}

it('are found and listed wherever they lie, the latest run of an id first, and of no other user', async () => {
  const { clock, heard, beside, one, two } = machine();
  const said = async (ledger: typeof one, text: string, given: Parameters<typeof intentOf>[0]) => {
    const answer = new SpokenAnswer(intentOf(given));
    await answer.open(ledger);
    answer.say(text);
    await answer.settle(ledger);
    return answer.intent.epoch;
  };
  await said(one, 'older', { startedAt: STARTED_AT });
  const newer = await said(two, 'newer', { startedAt: STARTED_AT + 1 });
  const theirs = await said(two, 'of another user', { userId: OTHER, startedAt: STARTED_AT + 2 });
  const live = new SpokenAnswer(intentOf({ streamId: 'live', startedAt: STARTED_AT + 3 }));
  await live.open(one);
  live.say('goes on');
  clock.advance(1000);
  await nextTurn();

  const places = beside();
  const textOf = (userId: string, id: string) => places.find(userId, id)?.deltas.map(fromWire).join('');
  expect(textOf(USER, 'stream-1')).toBe('newer');
  expect(textOf(OTHER, 'stream-1')).toBe('of another user');
  expect(places.find(USER, 'live')).toMatchObject({ head: 1, endedAt: null, isDead: false });
  const page = (limit: number, before?: { startedAt: number; epoch: string }) =>
    places.list(USER, before === undefined ? { limit } : { limit, before }).map(({ streamId }) => streamId);
  expect(page(10).toSorted()).toEqual(['live', 'stream-1', 'stream-1']);
  expect(page(10, { startedAt: STARTED_AT + 1, epoch: newer })).toEqual(['stream-1']);
  expect(places.list(OTHER, { limit: 10 })).toMatchObject([{ epoch: theirs }]);
  expect(beside(new AnswerKeys()).find(USER, 'stream-1')).toBeUndefined();
  expect(heard).toEqual(['sealed', 'sealed']);
  clock.advance(2 * HOUR_MS);
  expect(places.find(USER, 'stream-1'), 'its time is over').toBeUndefined();
});

it('are erased beside the process that writes them, which then writes no more of them, and nothing of them opens any more', async () => {
  const { clock, beside, one, two, filesOf } = machine();
  const answer = new SpokenAnswer(intentOf({ streamId: 'erased' }));
  const kept = new SpokenAnswer(intentOf({ streamId: 'kept' }));
  for (const each of [answer, kept]) {
    await each.open(two);
    each.say('a beginning');
  }
  clock.advance(1000);
  await nextTurn();
  const places = beside();
  expect(places.find(USER, 'erased')?.head).toBe(1);
  const secrets = () => filesOf(2).map((bytes) => bytes.toString('latin1'));
  const before = secrets().join('');
  await places.forget(USER, 'erased');
  expect(places.find(USER, 'erased')).toBeUndefined();
  expect(filesOf(2)[1]?.length, 'the log is empty').toBe(0);
  expect(secrets().join('')).not.toBe(before);
  for (const each of [answer, kept]) each.say(', and more');
  clock.advance(1000);
  await nextTurn();
  for (const each of [answer, kept]) await each.settle(two);
  expect(places.find(USER, 'erased')).toBeUndefined();
  expect(places.find(USER, 'kept')?.deltas).toHaveLength(2);
  expect([one.answers.length, two.answers.length]).toEqual([0, 1]);
});

it('without an ending are dead where no process writes any more', async () => {
  const { clock, beside, two } = machine();
  const answer = new SpokenAnswer(intentOf({ streamId: 'cut off' }));
  await answer.open(two);
  answer.say('as far as this');
  clock.advance(1000);
  await nextTurn();
  await two.close(); // as a crash leaves it
  expect(beside().find(USER, 'cut off')).toMatchObject({ head: 1, endedAt: null, isDead: true });
  expect(beside().list(USER, { limit: 1 })).toMatchObject([{ streamId: 'cut off', isDead: true }]);
});
