import { cpSync, existsSync, readFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { AnswerKeys, AnswerSeal } from '../../src/answers/seal.ts';
import { type LocalUsageLedger, openUsageLedger } from '../../src/ledger/ledger.ts';
import { ledgerFile } from '../../src/ledger/schema.ts';
import { loadPrices } from '../../src/pricing/prices.ts';
import { interruptedEnding } from '../../src/protocol/interrupted.ts';
import { fromWire } from '../../src/protocol/wire-text.ts';
import { MemoryStreamLogs } from '../../src/stream-log/memory.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { intentOf, newDataDir, STARTED_AT } from '../usage/runs.ts';
import { HOUR_MS, SpokenAnswer } from './spoken-answer.ts';

const KEY = Buffer.alloc(32, 1);
const OTHER_KEY = Buffer.alloc(32, 2);
const prices = loadPrices();
let dataDir: ReturnType<typeof newDataDir>;
let clock: ManualClock;
let heard: string[];
let ledger: LocalUsageLedger;

beforeEach(() => {
  dataDir = newDataDir();
  clock = new ManualClock();
  heard = [];
  ledger = open();
});

afterEach(async () => {
  await ledger.close();
  dataDir.remove();
});

function open(keys: readonly Buffer[] = [], path = dataDir.path): LocalUsageLedger {
  return openUsageLedger({
    dataDir: path,
    prices: () => prices,
    clock,
    answerKeys: new AnswerKeys(keys),
    answerEvents: {
      onKept: () => heard.push('kept'),
      onLost: ({ cause }) => heard.push(`lost: ${String(cause)}`),
      onSealed: () => heard.push('sealed'),
    },
    onError: (what) => heard.push(what),
  });
}

/** All saves of a second. */
async function aSecond(): Promise<void> {
  clock.advance(1000);
  await nextTurn();
}

async function ended(given: Parameters<typeof intentOf>[0], ...texts: string[]): Promise<SpokenAnswer> {
  const answer = new SpokenAnswer(intentOf(given));
  await answer.open(ledger);
  answer.say(...texts);
  await answer.settle(ledger);
  return answer;
}

it('an answer is written each second and closed with its row: it is read back delta by delta, with the ending that was told', async () => {
  const answer = new SpokenAnswer();
  const { userId, streamId, epoch } = answer.intent;
  await answer.open(ledger);
  expect(ledger.answers.find(userId, streamId)).toMatchObject({ head: 0, endedAt: null, ending: undefined });
  answer.say('Ünï', 'cödé', ' \ud83d\ude00\n"quoted"', '');
  await aSecond();
  answer.say(' and more');
  await aSecond();
  await aSecond();
  expect(ledger.answers.find(userId, streamId)?.deltas.map(fromWire).join('')).toBe(answer.json);
  answer.say(' the end');
  const { costUsd } = await answer.settle(ledger);
  expect(costUsd).toBeGreaterThan(0);
  const told = answer.endingAt(costUsd);
  const kept = { ...answer.kept, epoch, ending: told, endedAt: STARTED_AT + 2000, isDead: false };
  expect(ledger.answers.find(userId, streamId)).toEqual(kept);
  await ledger.close();
  ledger = open();
  expect(ledger.answers.find(userId, streamId), 'after a restart').toEqual(kept);
  expect(ledger.answers.find('8a6e0804-2bd0-4672-b79d-d97027f9071b', streamId)).toBeUndefined();
  expect(ledger.answers.length).toBe(1);
  expect(heard).toEqual(['kept']);
});

it('what is new of a live answer is handed on once, from memory or, where nobody took it in time, from the disk', async () => {
  const answer = new SpokenAnswer();
  const grown = () => {
    const [growth, ...others] = ledger.answers.growing(10);
    expect(others).toEqual([]);
    return growth;
  };
  const textOf = (growth: ReturnType<typeof grown>) => growth?.deltas?.text.toString();
  const says = async (text: string) => {
    answer.say(text);
    await aSecond();
  };
  await answer.open(ledger);
  for (const [seconds, after] of [
    [1, 0],
    [1, 1],
    [3, 2],
    [7, 5],
    [1, 12],
  ] as const) {
    const said = Array.from({ length: seconds }, (_, second) => `${after + second} `);
    for (const text of said) await says(text);
    const growth = grown();
    const { epoch, startedAt } = answer.intent;
    const { deltas: _, ...kept } = answer.kept;
    const known = { ...kept, epoch, after, endedAt: null, ending: undefined, keepUntil: startedAt + HOUR_MS };
    expect(growth).toMatchObject(known);
    expect(textOf(growth)).toBe(said.join(''));
    if (growth !== undefined) await ledger.answers.arrived([growth]);
    expect(grown()).toBeUndefined();
  }
  await says('one ');
  const onItsWay = grown();
  await says('two ');
  if (onItsWay !== undefined) await ledger.answers.arrived([onItsWay]);
  expect(textOf(grown())).toBe('two ');
});

it('what ended is handed on from memory while its log is held, and the same from the disk after that; erased or gone, from neither', async () => {
  const answer = new SpokenAnswer();
  const { userId, streamId } = answer.intent;
  await answer.open(ledger);
  expect(ledger.answers.growing(10)).toMatchObject([{ after: 0, head: 0, deltas: { lengths: [] } }]);
  answer.say('Ünï', 'half a pair: \ud83d');
  await aSecond();
  answer.say('', ' the end');
  await answer.settle(ledger);
  const opened: string[] = [];
  const prepared = vi.spyOn(AnswerSeal.prototype, 'open').mockImplementation((place) => {
    opened.push(place);
    return undefined;
  });
  const atHand = ledger.answers.ended(10, false);
  expect([atHand.length, opened]).toEqual([1, []]);
  prepared.mockRestore();
  answer.release();
  expect(ledger.answers.ended(10, false)).toEqual(atHand);

  const other = await ended({ streamId: 'other', epoch: 'of another' }, 'for nobody');
  expect(new Set(ledger.answers.ended(10, false).map((each) => each.streamId))).toEqual(
    new Set([streamId, 'other']),
  );
  await ledger.answers.forget(userId, 'other');
  await ledger.answers.arrived(atHand);
  expect([ledger.answers.ended(10, false), ledger.answers.length]).toEqual([[], 0]);
  expect(ledger.answers.find(userId, streamId)).toBeUndefined();
  other.release();
});

it('what a crash leaves open ends as interrupted, with the text until the last second; a run that said nothing too', async () => {
  const spoken = new SpokenAnswer();
  const silent = new SpokenAnswer(intentOf({ streamId: 'silent' }));
  await spoken.open(ledger);
  await silent.open(ledger);
  spoken.say('on disk');
  await aSecond();
  spoken.say(', not on disk');
  using crashed = copyOf(dataDir.path);
  const next = open([], crashed.path);
  const { userId, streamId } = spoken.intent;
  const left = next.answers.find(userId, streamId);
  expect(left).toMatchObject({ head: 1, textLength: 7, ending: interruptedEnding(streamId, 1) });
  expect(left?.deltas.map(fromWire)).toEqual(['on disk']);
  expect(left?.endedAt).not.toBeNull();
  expect(next.answers.find(userId, 'silent')).toMatchObject({
    head: 0,
    ending: interruptedEnding('silent', 0),
  });
  expect([next.interrupted, next.answers.length]).toEqual([2, 2]);
  await next.close();
});

it('no word of an answer is in the file or its log; after an erasure neither is what opens it, nor does more arrive', async () => {
  const live = new SpokenAnswer(intentOf({ streamId: 'live' }));
  await live.open(ledger);
  live.say('the secret of the live one');
  const gone = await ended({ streamId: 'gone' }, 'the secret of the one that ended');
  const other = await ended({ userId: '8a6e0804-2bd0-4672-b79d-d97027f9071b' }, 'of somebody else');
  await aSecond();
  expect(bytesIn(dataDir.path)).not.toContain('secret of');
  const [secrets, kept] = [secretsOf('live', 'gone'), secretsOf('stream-1')];
  expect(secrets.filter((secret) => bytesIn(dataDir.path).includes(secret))).toHaveLength(2);
  const { userId } = gone.intent;
  const forgotten = ledger.answers.forget(userId);
  await whileAsked(forgotten);
  expect(secrets.filter((secret) => bytesIn(dataDir.path).includes(secret))).toEqual([]);
  expect(bytesIn(dataDir.path)).toContain(kept[0]);
  live.say(' and what comes later');
  await aSecond();
  await live.settle(ledger);
  expect([ledger.answers.find(userId, 'live'), ledger.answers.find(userId, 'gone')]).toEqual([
    undefined,
    undefined,
  ]);
  expect(ledger.answers.list(userId, { limit: 10 })).toEqual([]);
  expect(ledger.answers.find(other.intent.userId, 'stream-1')?.deltas).toEqual(other.kept.deltas);
  expect(countOf('answer_pieces'), 'its one piece').toBe(1);
  expect(countOf('answer_secrets'), 'slots are used again').toBe(3);
  await ended({ streamId: 'next' }, 'x');
  expect(countOf('answer_secrets')).toBe(3);
});

it('the first key seals, every key opens, and without its key an answer is not there', async () => {
  await ledger.close();
  ledger = open([KEY]);
  const first = await ended({ streamId: 'first' }, 'by the old key');
  await ledger.close();
  ledger = open([OTHER_KEY, KEY]);
  const second = await ended({ streamId: 'second' }, 'by the new key');
  const { userId } = first.intent;
  const texts = () => ['first', 'second'].map((id) => ledger.answers.find(userId, id)?.deltas);
  expect(texts()).toEqual([first.kept.deltas, second.kept.deltas]);
  await ledger.close();
  ledger = open([OTHER_KEY]);
  expect(texts()).toEqual([undefined, second.kept.deltas]);
  await ledger.close();
  ledger = open();
  expect(texts()).toEqual([undefined, undefined]);
  expect(heard.filter((what) => what === 'sealed')).toHaveLength(3);
});

it('lists newest first, page by page, and deletes what its time is over for', async () => {
  const at = (hours: number) => STARTED_AT + hours * HOUR_MS;
  for (const hour of [0, 1, 2, 2]) await ended({ streamId: `at-${hour}`, startedAt: at(hour) }, 'text');
  const { userId } = intentOf();
  const whole = ledger.answers.list(userId, { limit: 10 });
  expect(whole.map(({ startedAt }) => startedAt)).toEqual([at(2), at(2), at(1), at(0)]);
  expect((whole[0]?.epoch ?? '') > (whole[1]?.epoch ?? '')).toBe(true);
  expect(whole[0]).not.toHaveProperty('deltas');
  const pages = [];
  for (let before = whole[0]; before !== undefined; before = pages.at(-1)?.[0])
    pages.push(ledger.answers.list(userId, { before, limit: 1 }));
  expect(pages.flat()).toEqual(whole.slice(1));
  // Each is kept for an hour after its ending.
  await whileAsked(ledger.answers.purge(at(2) + 3000));
  expect(ledger.answers.list(userId, { limit: 10 })).toEqual(whole.slice(0, 2));
  expect(ledger.answers.length).toBe(2);
});

it('a log that lost text before it was written is told of, and nothing of the answer is kept', async () => {
  const logs = new MemoryStreamLogs({ maxBytes: 8192, totalBytes: 8192 });
  const answer = new SpokenAnswer(intentOf(), logs);
  await answer.open(ledger);
  for (let part = 0; part < 20; part += 1) answer.say('x'.repeat(2000));
  await aSecond();
  await answer.settle(ledger);
  await nextTurn();
  expect(ledger.answers.find(answer.intent.userId, answer.intent.streamId)).toBeUndefined();
  expect([countOf('answers'), countOf('answer_pieces')]).toEqual([0, 0]);
  expect(heard).toEqual(['lost: trimmed']);
});

function copyOf(path: string) {
  const copy = newDataDir();
  for (const end of ['', '-wal']) {
    const file = `${ledgerFile(path)}${end}`;
    if (existsSync(file)) cpSync(file, `${ledgerFile(copy.path)}${end}`);
  }
  return { path: copy.path, [Symbol.dispose]: copy.remove };
}

/** The file and its log, a byte a character. */
function bytesIn(path: string): string {
  const file = ledgerFile(path);
  return ['', '-wal'].map((end) => readFileSync(`${file}${end}`, 'latin1')).join('');
}

function secretsOf(...streams: string[]): string[] {
  using reader = new DatabaseSync(ledgerFile(dataDir.path), { readOnly: true });
  const rows = reader
    .prepare(
      'SELECT secret FROM answer_secrets JOIN answers USING (slot) WHERE stream_id IN (SELECT value FROM json_each(?))',
    )
    .all(JSON.stringify(streams));
  return rows.map(({ secret }) => Buffer.from(secret as Uint8Array).toString('latin1'));
}

function countOf(table: string): number {
  using reader = new DatabaseSync(ledgerFile(dataDir.path), { readOnly: true });
  return Number(reader.prepare(`SELECT count(*) AS rows FROM ${table}`).get()?.['rows']);
}

/** The thread that copies the log answers when it can; what is tried again waits for the clock. */
async function whileAsked(work: Promise<void>): Promise<void> {
  let isOver = false;
  void work.finally(() => {
    isOver = true;
  });
  while (!isOver) {
    await nextTurn();
    clock.advance(1);
  }
  await work;
}
