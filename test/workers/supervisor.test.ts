/** When processes are begun, begun again and given up, by a clock that is moved by hand. */
import type { ChildProcess } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { beforeEach, expect, it } from 'vitest';
import type { WorkerPlace } from '../../src/workers/place.ts';
import { Supervisor } from '../../src/workers/supervisor.ts';
import { ManualClock } from '../support/manual-clock.ts';

interface Sent {
  readonly kind: string;
  readonly id?: number;
  readonly name?: string;
  readonly value?: unknown;
}

/** A process as its parent has it. */
class FakeProcess extends EventEmitter {
  readonly place: WorkerPlace;
  readonly stdout = new EventEmitter();
  readonly pid: number | undefined;
  readonly sent: Sent[] = [];
  connected = true;
  killed = false;
  /** Whether it answers questions; a fake says nothing else. */
  answers = true;

  constructor(place: WorkerPlace, pid: number | undefined) {
    super();
    this.place = place;
    this.pid = pid;
  }

  send(message: Sent): void {
    this.sent.push(message);
    if (message.kind === 'question' && this.answers)
      this.emit('message', { kind: 'answer', id: message.id, value: 'ready' });
  }

  kill(): void {
    this.killed = true;
    this.end(null, 'SIGKILL');
  }

  up(): void {
    const machine = `m-${this.place.number}.${this.pid}`;
    const value = { port: 8787, metricsPort: undefined, machine, stopWithinMs: 5000 };
    this.emit('message', { kind: 'news', name: 'up', value });
  }

  end(code: number | null, signal: NodeJS.Signals | null = null): void {
    this.connected = false;
    this.emit('close', code, signal);
  }

  get signals(): readonly unknown[] {
    return this.sent.filter(({ name }) => name === 'signal').map(({ value }) => value);
  }
}

let clock: ManualClock;
let begun: FakeProcess[];
let pauses: number[];
let exits: number[];
let lines: string[];
let told: string[];
/** What the next attempts to begin a process come to, in turn; after that there is one. */
let faults: ('throws' | 'none')[];

beforeEach(() => {
  clock = new ManualClock();
  [begun, pauses, exits, lines, told, faults] = [[], [], [], [], [], []];
});

function start(count: number): Supervisor {
  const supervisor = new Supervisor({
    count,
    clock,
    launch(place) {
      const fault = faults.shift();
      if (fault === 'throws') throw new Error('spawn ENOMEM');
      const made = new FakeProcess(place, fault === 'none' ? undefined : begun.length + 1);
      made.connected = fault === undefined;
      begun.push(made);
      return made as unknown as ChildProcess;
    },
    write: (text) => void lines.push(text),
    metrics: async () => '',
    onRestart: (_worker, _ended, pauseMs) => void pauses.push(pauseMs),
    onFailed: (worker, { code, signal, cause }) =>
      void told.push(`${worker} failed: ${signal ?? cause ?? code}`),
    onSilent: (worker, pid, silentMs) => void told.push(`${worker} (${pid}) silent for ${silentMs}`),
    onEnded: () => {},
    onStopped: (code) => void exits.push(code),
  });
  supervisor.start();
  return supervisor;
}

function processAt(index: number): FakeProcess {
  const found = begun.at(index);
  if (found === undefined) throw new Error(`no process ${index}`);
  return found;
}

it('the first begins alone, and the others listen where it does', () => {
  const supervisor = start(3);
  expect(begun.map(({ place }) => [place.number, place.isFirst])).toEqual([[1, true]]);
  processAt(0).up();
  expect(begun.map(({ place }) => [place.number, place.ports?.port])).toEqual([
    [1, undefined],
    [2, 8787],
    [3, 8787],
  ]);
  expect(supervisor.up).toBe(1);
});

it.each([
  [78, 78],
  [1, 1],
  [0, 1],
])('one that never served and ends with %i ends them all', (code, exit) => {
  start(2);
  processAt(0).up();
  processAt(1).end(code);
  expect(processAt(0).signals).toEqual(['SIGTERM']);
  processAt(0).end(0);
  expect(exits).toEqual([exit]);
  expect(told).toEqual([`2 failed: ${code}`]);
  clock.advance(60_000);
  expect(begun).toHaveLength(2);
});

it('settings that were changed and cannot be used end none that serves, and all once none does', () => {
  start(2);
  processAt(0).up();
  processAt(1).up();
  processAt(1).end(null, 'SIGKILL');
  clock.advance(250);
  processAt(2).end(78);
  expect(pauses).toEqual([250, 500]);
  clock.advance(500);
  processAt(3).up();
  expect(exits).toEqual([]);
  processAt(3).end(1);
  processAt(0).end(1);
  clock.advance(1000);
  processAt(-1).end(78);
  processAt(-2).end(0);
  expect(exits).toEqual([78]);
});

it.each(['throws', 'none'] as const)('a process that cannot be begun is tried again: %s', (fault) => {
  start(2);
  processAt(0).up();
  processAt(1).up();
  const counts = { held: { connections: { a: 1 } }, taken: {} };
  processAt(0).emit('message', { kind: 'news', name: 'counts', value: counts });
  processAt(1).end(1);
  faults.push(fault);
  clock.advance(250);
  if (fault === 'none') processAt(-1).emit('error', new Error('spawn EMFILE'));
  expect(pauses).toEqual([250, 500]);
  clock.advance(500);
  expect(processAt(-1).place.number).toBe(2);
  processAt(-1).up();
  processAt(-1).emit('error', new Error('kill EPERM')); // of one that there is: it serves on
  processAt(-1).emit('error', new Error('kill EPERM'));
  expect(pauses).toHaveLength(2);
  expect(exits).toEqual([]);
});

it('one that cannot be begun in the first place ends them all, and nobody is begun afterwards', () => {
  start(3);
  faults.push('throws');
  processAt(0).up();
  expect(told).toEqual(['2 failed: Error: spawn ENOMEM']);
  expect(begun).toHaveLength(1);
  processAt(0).end(0);
  expect(exits).toEqual([1]);
});

it('one that serves and does not answer for half a minute is killed; one that answers in between is not', async () => {
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  start(2);
  processAt(0).up();
  processAt(1).up();
  const pass = async (seconds: number): Promise<void> => {
    for (let each = 0; each < seconds / 5; each += 1) {
      clock.advance(5000);
      await turn();
    }
  };
  processAt(1).answers = false;
  await pass(25);
  processAt(1).answers = true;
  await pass(10);
  processAt(1).answers = false;
  await pass(30);
  expect(processAt(1).killed).toBe(false);
  await pass(5);
  expect(told).toEqual(['2 (2) silent for 30000']);
  expect([processAt(0).killed, processAt(1).killed]).toEqual([false, true]);
  expect(pauses).toEqual([250]);
});

it('those that serve hear at once which process ended that shared streams with them', () => {
  start(3);
  for (const index of [0, 1, 2]) processAt(index).up();
  processAt(1).end(null, 'SIGKILL');
  const ended = { kind: 'news', name: 'ended', value: { machine: 'm-2.2' } };
  expect(processAt(0).sent).toContainEqual(ended);
  expect(processAt(2).sent).toContainEqual(ended);
  clock.advance(250);
  processAt(3).end(1); // it never served, and shared nothing
  expect(processAt(0).sent.filter(({ name }) => name === 'ended')).toHaveLength(1);
});

it('one that served is begun again, each time twice as long after it ended as before, up to 30 s', () => {
  start(1);
  processAt(0).up();
  processAt(0).end(null, 'SIGKILL');
  for (let attempt = 0; attempt < 9; attempt += 1) {
    const pauseMs = pauses.at(-1) ?? 0;
    clock.advance(pauseMs - 1);
    expect(begun).toHaveLength(attempt + 1);
    clock.advance(1);
    expect(begun).toHaveLength(attempt + 2);
    processAt(-1).end(1);
  }
  expect(pauses).toEqual([250, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
  clock.advance(30_000);
  processAt(-1).up();
  clock.advance(60_000);
  processAt(-1).end(1);
  expect(pauses.at(-1)).toBe(250);
  expect(exits).toEqual([]);
});

it('one that is killed by SIGKILL while all stop makes the exit code 1; nobody is begun again', () => {
  const supervisor = start(2);
  processAt(0).up();
  processAt(1).up();
  supervisor.signal('SIGTERM');
  processAt(0).end(null, 'SIGKILL');
  processAt(1).end(0);
  expect(exits).toEqual([1]);
});

it('one that does not end in the time it gave is killed', () => {
  const supervisor = start(1);
  processAt(0).up();
  supervisor.signal('SIGTERM');
  clock.advance(6999);
  expect(processAt(0).killed).toBe(false);
  clock.advance(1);
  expect(processAt(0).killed).toBe(true);
  expect(exits).toEqual([1]);
});

it('told to stop between two attempts it ends at once', () => {
  const supervisor = start(1);
  processAt(0).up();
  processAt(0).end(1);
  supervisor.signal('SIGTERM');
  clock.advance(60_000);
  expect(begun).toHaveLength(1);
  expect(exits).toEqual([0]);
});

it('debug lines go on in a process that begins while they are written', () => {
  const supervisor = start(1);
  processAt(0).up();
  supervisor.signal('SIGUSR2');
  processAt(0).end(1);
  clock.advance(250);
  processAt(1).up();
  expect(processAt(1).signals).toEqual(['SIGUSR2']);
});

it('debug lines begin once in a process that is starting as they do, and SIGHUP reaches it', () => {
  const supervisor = start(2);
  processAt(0).up();
  supervisor.signal('SIGUSR2');
  supervisor.signal('SIGHUP');
  expect(processAt(1).signals).toEqual(['SIGHUP']);
  processAt(1).up();
  expect([processAt(0).signals, processAt(1).signals]).toEqual([
    ['SIGUSR2', 'SIGHUP'],
    ['SIGHUP', 'SIGUSR2'],
  ]);
});

it('told to stop before the first one serves it waits for that one to hear of it', () => {
  const supervisor = start(2);
  supervisor.signal('SIGTERM');
  clock.advance(11_999);
  expect(processAt(0).killed).toBe(false);
  processAt(0).end(0);
  expect(exits).toEqual([0]);
  expect(clock.pending).toBe(0);
});

it('says of each how it is: one that is begun again is no reason to leave the machine, one that is silent is', async () => {
  const supervisor = start(3);
  for (const index of [0, 1, 2]) processAt(index).up();
  processAt(1).end(1);
  processAt(2).answers = false;
  const answer = new Promise<Sent>((resolve) => {
    processAt(0).send = (message) => {
      if (message.kind === 'answer') resolve(message);
      else processAt(0).emit('message', { kind: 'answer', id: message.id, value: 'ready' });
    };
  });
  processAt(0).emit('message', { kind: 'question', id: 7, name: 'states' });
  clock.advance(1000);
  expect((await answer).value).toEqual({ 1: 'ready', 2: 'restarting', 3: 'unresponsive' });
  expect(supervisor.up).toBe(2);
});

it('one that begins later hears what the others hold, and no more of one that ended', () => {
  start(3);
  for (const index of [0, 1, 2]) processAt(index).up();
  const counts = { held: { connections: { a: 2 } }, taken: {} };
  processAt(1).emit('message', { kind: 'news', name: 'counts', value: counts });
  expect(processAt(0).sent.at(-1)).toMatchObject({ name: 'counts', value: { from: 2, counts } });
  processAt(2).end(1);
  clock.advance(250);
  expect(processAt(3).sent).toContainEqual(expect.objectContaining({ value: { from: 2, counts } }));
  processAt(1).end(1);
  expect(processAt(3).sent).toContainEqual(expect.objectContaining({ value: { from: 2, counts: null } }));
});

it('what they write is passed on in whole lines, the last one of a process that ended too', () => {
  start(1);
  processAt(0).up();
  for (const text of ['{"a":1}\n{"b"', ':2', '}\n{"c":', '3'])
    processAt(0).stdout.emit('data', Buffer.from(text));
  processAt(0).end(1);
  expect(lines).toEqual(['{"a":1}\n', '{"b":2}\n', '{"c":3\n']);
});

it('what has no end is not kept for ever', () => {
  start(1);
  for (let each = 0; each < 10; each += 1) processAt(0).stdout.emit('data', Buffer.alloc(100_000, 'x'));
  expect(lines.map((text) => text.length)).toEqual([300_001, 300_001, 300_001]);
});
