import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync, statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ledgerFile } from '../../src/ledger/schema.ts';
import { WalCheckpointer } from '../../src/ledger/wal-checkpointer.ts';
import { systemClock } from '../../src/time/clock.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { newDataDir } from './runs.ts';

const MAX_BYTES = 100_000;
let dataDir: ReturnType<typeof newDataDir>;
let writer: DatabaseSync;
let clock: ManualClock;
let errors: string[];
let released: number;
let keeper: WalCheckpointer;

beforeEach(() => {
  dataDir = newDataDir();
  writer = new DatabaseSync(ledgerFile(dataDir.path), { timeout: 0 });
  writer.exec('PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; CREATE TABLE t (a)');
  clock = new ManualClock();
  errors = [];
  released = 0;
  keeper = new WalCheckpointer({
    file: ledgerFile(dataDir.path),
    clock,
    maxBytes: MAX_BYTES,
    onError: (what) => errors.push(what),
    onReleased: () => released++,
  });
});

afterEach(async () => {
  await keeper.close();
  writer.close();
  dataDir.remove();
  expect(clock.pending, 'timers left behind').toBe(0);
});

const logBytes = () => statSync(`${ledgerFile(dataDir.path)}-wal`).size;

function write(rows: number): void {
  for (let row = 0; row < rows; row++) writer.prepare('INSERT INTO t VALUES (?)').run('x'.repeat(3000));
  keeper.wrote(rows);
}

/** Turns of the event loop until something is so: the worker answers when it can. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await nextTurn();
}

it('a log that grew too large is copied and emptied, with the writer held only for the end of it', async () => {
  write(40);
  expect(logBytes()).toBeGreaterThan(MAX_BYTES);
  clock.advance(1000);
  expect(keeper.holdsWriter, 'the copy goes on beside the writer').toBe(false);
  await until(() => keeper.holdsWriter);
  await until(() => released === 1);
  expect(keeper.holdsWriter).toBe(false);
  expect(logBytes()).toBeLessThan(MAX_BYTES / 5);
  write(1);
  expect(errors).toEqual([]);
});

it('under load the log is looked at before the second is over', async () => {
  write(500);
  await until(() => released === 1);
  expect(logBytes()).toBeLessThan(MAX_BYTES / 5);
});

it('a log in which little was written is emptied within the hour, and not again before something is written', async () => {
  write(1);
  expect(logBytes()).toBeLessThan(MAX_BYTES);
  clock.advance(3_600_000);
  while (released === 0) {
    await nextTurn();
    if (!keeper.holdsWriter) clock.advance(1000);
  }
  expect(logBytes()).toBeLessThan(8192); // its first page is written anew
  clock.advance(3_600_000);
  for (let turn = 0; turn < 50; turn++) await nextTurn();
  expect(released).toBe(1);
});

it('a reader on an old snapshot delays the end of the log, and stops nobody', async () => {
  const reader = new DatabaseSync(ledgerFile(dataDir.path), { readOnly: true });
  reader.exec('BEGIN');
  expect(reader.prepare('SELECT count(*) AS rows FROM t').get()).toEqual({ rows: 0 });
  write(40);
  clock.advance(1000);
  await until(() => released === 1);
  expect(logBytes()).toBeGreaterThan(MAX_BYTES);
  write(1);
  reader.close();
  clock.advance(1000);
  await until(() => released === 2);
  expect(logBytes()).toBeLessThan(MAX_BYTES / 5);
  expect(errors).toEqual([]);
});

it('closing in the middle of a checkpoint ends it, and begins none after that', async () => {
  const copiedBytes = () => statSync(ledgerFile(dataDir.path)).size;
  const before = copiedBytes();
  write(40);
  clock.advance(1000);
  const emptied = keeper.empty();
  await Promise.all([keeper.close(), expect(emptied).rejects.toThrow('could not be emptied')]);
  expect(copiedBytes()).toBe(before);
  expect(writer.prepare('SELECT count(*) AS rows FROM t').get()).toEqual({ rows: 40 });
});

it('what is written after it is closed opens nothing', async () => {
  write(1);
  await keeper.close();
  rmSync(`${ledgerFile(dataDir.path)}-wal`);
  keeper.wrote(500);
  await keeper.close();
  expect(errors).toEqual([]);
});

it('the checkpoint thread does not keep a process alive', async () => {
  const script = `
    import { DatabaseSync } from 'node:sqlite';
    import { WalCheckpointer } from '${new URL('../../src/ledger/wal-checkpointer.ts', import.meta.url)}';
    const writer = new DatabaseSync(process.env.FILE);
    writer.exec('PRAGMA wal_autocheckpoint = 0');
    for (let row = 0; row < 40; row++) writer.prepare('INSERT INTO t VALUES (?)').run('x'.repeat(3000));
    const once = { cancel() {} };
    new WalCheckpointer({
      file: process.env.FILE,
      clock: { now: Date.now, elapsed: () => 0, after: () => once, every: () => once },
      maxBytes: 1000,
      onError: console.log,
      onReleased: () => { clearInterval(awake); console.log('released'); },
    }).wrote(500);
    const awake = setInterval(() => {}, 1000);
  `;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    env: { ...process.env, FILE: ledgerFile(dataDir.path) },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const output = child.stdout.setEncoding('utf8').toArray();
  const limit = systemClock.after(15_000, () => child.kill('SIGKILL'));
  const [code] = await once(child, 'close');
  limit.cancel();
  expect((await output).join('')).toBe('released\n');
  expect(code).toBe(0);
});
