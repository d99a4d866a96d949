/** When processes are begun, begun again and given up, by a clock that is moved by hand. */
import type { ChildProcess } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { beforeEach, expect, it } from 'vitest';
import type { WorkerPlace } from '../../src/workers/place.ts';
import { Supervisor } from '../../src/workers/supervisor.ts';
import { ManualClock } from '../support/manual-clock.ts';

interface Sent {
  readonly kind: string;
  readonly name?: string;
  readonly value?: unknown;
}

/** A process as its parent has it. */
class FakeProcess extends EventEmitter {
  readonly place: WorkerPlace;
  readonly stdout = new EventEmitter();
  readonly pid: number;
  readonly sent: Sent[] = [];
  killed = false;

  constructor(place: WorkerPlace, pid: number) {
    super();
    this.place = place;
    this.pid = pid;
  }

  send(message: Sent): void {
    this.sent.push(message);
  }

  kill(): void {
    this.killed = true;
    this.end(null, 'SIGKILL');
  }

  up(): void {
    const value = { port: 8787, metricsPort: undefined, stopWithinMs: 5000 };
    this.emit('message', { kind: 'news', name: 'up', value });
  }

  end(code: number | null, signal: NodeJS.Signals | null = null): void {
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

beforeEach(() => {
  clock = new ManualClock();
  [begun, pauses, exits, lines] = [[], [], [], []];
});

function start(count: number): Supervisor {
  const supervisor = new Supervisor({
    count,
    clock,
    launch(place) {
      const made = new FakeProcess(place, begun.length + 1);
      begun.push(made);
      return made as unknown as ChildProcess;
    },
    write: (text) => void lines.push(text),
    metrics: async () => '',
    onRestart: (_worker, _ended, pauseMs) => void pauses.push(pauseMs),
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
  clock.advance(60_000);
  expect(begun).toHaveLength(2);
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
  expect(processAt(3).sent.at(-1)).toMatchObject({ name: 'counts', value: { from: 2, counts: null } });
});

it('what they write is passed on in whole lines, the last one of a process that ended too', () => {
  start(1);
  processAt(0).up();
  for (const text of ['{"a":1}\n{"b"', ':2', '}\n{"c":', '3'])
    processAt(0).stdout.emit('data', Buffer.from(text));
  processAt(0).end(1);
  expect(lines).toEqual(['{"a":1}\n', '{"b":2}\n', '{"c":3\n']);
});
