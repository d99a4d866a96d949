import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { type Write, WriteQueue } from '../../src/ledger/write-queue.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { eventually } from '../support/test-run.ts';

/** A store that counts its transactions and refuses as it is told. */
function newQueue() {
  const clock = new ManualClock();
  const store = {
    transactions: 0,
    probes: 0,
    refusal: undefined as unknown,
    held: false,
    errors: [] as string[],
  };
  const queue = new WriteQueue({
    clock,
    transaction(work) {
      store.transactions++;
      if (store.refusal !== undefined) throw store.refusal;
      work();
    },
    probe: () => store.probes++,
    held: () => store.held,
    onCommit: () => {},
    onError: (what) => store.errors.push(what),
  });
  return { clock, store, queue };
}

function newWrite(log: string[], name: string, given: { keep?: boolean; fault?: Error } = {}): Write {
  return {
    apply() {
      if (given.fault !== undefined) throw given.fault;
      log.push(`apply ${name}`);
    },
    committed: () => log.push(`committed ${name}`),
    refused() {
      log.push(`refused ${name}`);
      return given.keep ?? false;
    },
  };
}

const sqliteError = (errcode: number) => Object.assign(new Error('from SQLite'), { errcode });
const full = sqliteError(13);
const busy = sqliteError(5);

it('one that may wait shortly leaves with the next that may not', async () => {
  const log: string[] = [];
  const { store, queue } = newQueue();
  queue.pushShortly(newWrite(log, 'ending'));
  await nextTurn();
  expect(store.transactions).toBe(0);
  queue.push(newWrite(log, 'intent'));
  await nextTurn();
  expect(store.transactions).toBe(1);
  expect(log).toEqual(['apply ending', 'apply intent', 'committed ending', 'committed intent']);
});

it('and by itself where none comes', async () => {
  const log: string[] = [];
  const { store, queue } = newQueue();
  queue.pushShortly(newWrite(log, 'ending'));
  await eventually('it is committed', () => log.includes('committed ending'));
  expect(store.transactions).toBe(1);
  queue.pushShortly(newWrite(log, 'last'));
  queue.finish();
  expect(log.at(-1)).toBe('committed last');
});

it('all writes of a turn leave in one transaction, and are told after it', async () => {
  const { store, queue } = newQueue();
  const log: string[] = [];
  for (const name of ['a', 'b', 'c']) queue.push(newWrite(log, name));
  expect(log).toEqual([]);
  await nextTurn();
  expect(store.transactions).toBe(1);
  expect(log).toEqual(['apply a', 'apply b', 'apply c', 'committed a', 'committed b', 'committed c']);
});

it('a long queue takes several turns', async () => {
  const { store, queue } = newQueue();
  const log: string[] = [];
  for (let n = 0; n < 450; n++) queue.push(newWrite(log, `${n}`));
  await nextTurn();
  expect(store.transactions).toBe(1);
  await nextTurn();
  await nextTurn();
  expect(store.transactions).toBe(3);
  expect(log.filter((entry) => entry.startsWith('committed'))).toHaveLength(450);
});

it('a store that refuses gets only what must not be lost again, ever later, until it takes it', async () => {
  const { clock, store, queue } = newQueue();
  const log: string[] = [];
  store.refusal = full;
  queue.push(newWrite(log, 'open'));
  queue.push(newWrite(log, 'settle', { keep: true }));
  await nextTurn();
  expect(log).toEqual(['refused open', 'refused settle']);
  expect(queue.degraded).toBe(true);
  for (const wait of [100, 200, 400, 800, 1600, 3200, 5000, 5000]) {
    const tries = store.transactions;
    clock.advance(wait - 1);
    expect(store.transactions).toBe(tries);
    clock.advance(1);
    expect(store.transactions).toBe(tries + 1);
  }
  store.refusal = undefined;
  clock.advance(5000);
  expect(log.slice(-2)).toEqual(['apply settle', 'committed settle']);
  expect(queue.degraded).toBe(false);
  expect(store.errors, 'one report for one outage').toEqual(['the usage ledger cannot be written']);
  expect(clock.pending).toBe(0);
});

it('a store that refuses is probed although nothing waits', async () => {
  const { clock, store, queue } = newQueue();
  store.refusal = full;
  queue.push(newWrite([], 'open'));
  await nextTurn();
  store.refusal = undefined;
  clock.advance(100);
  expect(store.probes).toBe(1);
  expect(queue.degraded).toBe(false);
});

it('a lock of half a second or less delays writes and refuses none', async () => {
  const { clock, store, queue } = newQueue();
  const log: string[] = [];
  store.refusal = busy;
  queue.push(newWrite(log, 'open'));
  await nextTurn();
  clock.advance(480);
  expect(log).toEqual([]);
  expect(queue.degraded).toBe(false);
  store.refusal = undefined;
  clock.advance(20);
  expect(log).toEqual(['apply open', 'committed open']);
});

it('a longer lock refuses', async () => {
  const { clock, store, queue } = newQueue();
  const log: string[] = [];
  store.refusal = busy;
  queue.push(newWrite(log, 'open'));
  await nextTurn();
  clock.advance(500);
  expect(log).toEqual(['refused open']);
  expect(queue.degraded).toBe(true);
});

it('a row that no disk would take does not hold up the others', async () => {
  const { store, queue } = newQueue();
  const log: string[] = [];
  queue.push(newWrite(log, 'a'));
  queue.push(newWrite(log, 'bad', { keep: true, fault: sqliteError(275) }));
  queue.push(newWrite(log, 'b'));
  await nextTurn();
  expect(log).toEqual(['apply a', 'apply b', 'committed a', 'refused bad', 'committed b']);
  expect(queue.length).toBe(0);
  expect(store.errors).toEqual(['a usage row was refused']);
});

it('a held writer waits, and goes on when it is released', async () => {
  const { store, queue } = newQueue();
  const log: string[] = [];
  store.held = true;
  queue.push(newWrite(log, 'a'));
  await nextTurn();
  expect(store.transactions).toBe(0);
  store.held = false;
  queue.resume();
  await nextTurn();
  expect(log).toEqual(['apply a', 'committed a']);
});
