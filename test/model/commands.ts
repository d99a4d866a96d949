/** What may happen in a history: each is data, a condition, and what it does; afterwards the reference says what may have come of it. */
import type fc from 'fast-check';
import { expect } from 'vitest';
import type { ServerFrame } from '../../src/protocol/frames.ts';
import { ALICE, start } from '../support/core.ts';
import type { HeldStream } from '../support/held-stream.ts';
import { type Device, isEnding } from './device.ts';
import type { Answers, ModelRun, Reference } from './reference.ts';
import type { LinkState, MailState } from './store-link.ts';
import type { Turns, World } from './world.ts';

const IDS = ['s1', 's2', 's3'];
const MODELS = ['claude-test', 'claude-other'];
const WRONG_EPOCH = 'no-such-epoch';
const LARGE = 3000;

/** By name of a command: what it is told. */
export interface Parameters {
  open: { device: number; machine: number };
  leave: { device: number; how: 'closed' | 'cut' | 'silent' };
  start: { device: number; id: number; model: number };
  resume: {
    device: number;
    id: number;
    after: 'held' | 'zero' | 'half' | 'future';
    epoch: 'right' | 'wrong' | 'foreign';
  };
  ack: { device: number; id: number; seq: 'held' | 'half' | 'future' };
  cancel: { device: number; id: number };
  ask: { device: number; machine: number; id: number };
  read: { device: number; machine: number; id: number; after: 'held' | 'zero' | 'half' };
  hangUp: { reader: number };
  takeNothing: { device: number };
  takeAll: { device: number };
  say: { run: number; deltas: number; isLarge: boolean };
  end: { run: number; how: 'done' | 'failed' };
  wait: { ms: number };
  kill: { machine: number; lastArrives: boolean };
  boot: { machine: number };
  drain: { machine: number; deadlineMs: number };
  disk: { machine: number; full: boolean };
  link: { machine: number; state: LinkState };
  redis: { state: LinkState };
  latency: { machine: number; ms: number };
  mail: { machine: number; state: MailState };
  replicate: object;
  failOver: object;
}

export type Name = keyof Parameters;

interface Behaviour<P> {
  /** Whether it can happen now. */
  ready(world: World, parameters: P): boolean;
  /** Does it. Gives what it has to be answered with, where it asks for an answer. */
  run(world: World, parameters: P): unknown;
}

/** An answer that a device waits for. */
class Expected {
  readonly device: Device;
  readonly id: string;
  readonly of: 'start' | 'resume' | 'cancel';
  readonly answers: Answers;

  constructor(device: Device, id: string, of: Expected['of'], answers: Answers) {
    this.device = device;
    this.id = id;
    this.of = of;
    this.answers = answers;
  }
}

const isConnected = (world: World, { device }: { device: number }): boolean =>
  world.device(device).socket !== undefined;
const hasStream = (world: World, { device, id }: { device: number; id: number }): boolean =>
  isConnected(world, { device }) && streamOf(world.device(device), id) !== undefined;
const isUp = (world: World, { machine }: { machine: number }): boolean =>
  world.machine(machine).process !== undefined;
const speaks = (world: World): boolean => world.reference.speaking.length > 0;

const BEHAVIOURS: { readonly [N in Name]: Behaviour<Parameters[N]> } = {
  open: {
    ready: isUp,
    run(world, { device, machine }) {
      const { process } = world.machine(machine);
      world.device(device).leave();
      if (process !== undefined) world.device(device).connect(process);
    },
  },
  leave: {
    ready: isConnected,
    run(world, { device, how }) {
      world.device(device).leave({ arrives: how === 'closed', silently: how === 'silent' });
    },
  },
  start: {
    ready: isConnected,
    run: (world, { device, id, model }) => startStream(world, world.device(device), id, model),
  },
  resume: { ready: isConnected, run: (world, parameters) => resumeStream(world, parameters) },
  ack: {
    ready: hasStream,
    run(world, { device, id, seq: which }) {
      const stream = streamOf(world.device(device), id);
      if (stream === undefined) return;
      const { process, userId } = world.device(device);
      const run = world.reference.latest(userId, stream.id);
      const seq = which === 'future' ? (run?.spoken.length ?? 0) + 5 : positionOf(stream.seq, which);
      // What another machine has not heard of yet, or another run has not said, is past its head.
      const isSafe = which !== 'future' && run?.epoch === stream.epoch && run?.owner === process;
      if (!isSafe) world.device(device).badAcks += 1;
      world.device(device).send({ type: 'ack', id: stream.id, seq });
    },
  },
  cancel: {
    ready: isConnected,
    run(world, { device: index, id: which }) {
      const device = world.device(index);
      const { process, userId } = device;
      const id = idAt(which);
      const answers = process && world.reference.toCancel(userId, id, process);
      return asked(device, 'cancel', { id }, answers);
    },
  },
  ask: {
    ready: isUp,
    run(world, { device, machine, id }) {
      const { process } = world.machine(machine);
      if (process !== undefined)
        world.reader(world.device(device).userId, idAt(id), process).ask(MODELS[0] ?? '');
    },
  },
  read: {
    ready: isUp,
    run(world, { device: index, machine, id, after }) {
      const { process } = world.machine(machine);
      const device = world.device(index);
      const { epoch, seq } = streamOf(device, id) ?? { epoch: undefined, seq: 0 };
      if (process === undefined) return;
      world.reader(device.userId, idAt(id), process).resume(positionOf(seq, after), epoch);
    },
  },
  hangUp: {
    ready: (world) => world.readers.length > 0,
    run: ({ readers }, { reader }) => readers[reader % readers.length]?.hangUp(),
  },
  takeNothing: {
    ready: isConnected,
    run(world, { device }) {
      world.reference.hasStalled = true;
      const { socket } = world.device(device);
      if (socket !== undefined) socket.stalled = true;
    },
  },
  takeAll: { ready: isConnected, run: (world, { device }) => world.device(device).socket?.drain() },
  say: {
    ready: speaks,
    run(world, { run: index, deltas, isLarge }) {
      const run = runAt(world.reference, index);
      for (let count = 0; count < deltas; count += 1) say(world, run, isLarge);
    },
  },
  end: {
    ready: speaks,
    run(world, { run: index, how }) {
      const run = runAt(world.reference, index);
      if (how === 'failed') return run.call?.fail();
      run.hasBegun = true;
      run.call?.end();
    },
  },
  wait: { ready: () => true, run: (world, { ms }) => world.pass(ms) },
  kill: {
    ready: isUp,
    run: (world, { machine, lastArrives }) => world.kill(world.machine(machine), lastArrives),
  },
  boot: {
    ready: (world, parameters) => !isUp(world, parameters),
    run: (world, { machine }) => world.machine(machine).boot(),
  },
  drain: {
    ready: isUp,
    run: (world, { machine, deadlineMs }) => world.drain(world.machine(machine), deadlineMs),
  },
  disk: {
    ready: isUp,
    run: (world, { machine, full }) => world.machine(machine).disk.fill(full),
  },
  link: {
    ready: isUp,
    run: (world, { machine, state }) => world.links(state, world.machine(machine)),
  },
  redis: { ready: () => true, run: (world, { state }) => world.links(state) },
  latency: {
    ready: isUp,
    run: (world, { machine, ms }) => world.latency(ms, world.machine(machine)),
  },
  mail: {
    ready: isUp,
    run: (world, { machine, state }) => world.mail(state, world.machine(machine)),
  },
  replicate: { ready: () => true, run: (world) => world.replicate() },
  failOver: { ready: (world) => world.canFailOver, run: (world) => world.failOver() },
};

/** Counts what was run, by name. */
export const played = new Map<Name, number>();

/** One command as fast-check runs it: `Model` is the reference, `Real` the world around the relays. */
export class Step<N extends Name = Name> implements fc.AsyncCommand<World, World> {
  readonly #name: N;
  readonly #parameters: Parameters[N];
  readonly #turns: Turns;

  constructor(name: N, parameters: Parameters[N], turns: Turns) {
    this.#name = name;
    this.#parameters = parameters;
    this.#turns = turns;
  }

  check(world: Readonly<World>): boolean {
    return BEHAVIOURS[this.#name].ready(world as World, this.#parameters);
  }

  async run(world: World): Promise<void> {
    played.set(this.#name, (played.get(this.#name) ?? 0) + 1);
    const canTell = world.isAtRest && world.reference.isCalm && this.#turns === 'rest';
    const outcome = await BEHAVIOURS[this.#name].run(world, this.#parameters);
    const expected = outcome instanceof Expected ? outcome : undefined;
    const { socket } = expected?.device ?? {};
    const before = socket?.frames.length ?? 0;
    await world.after(this.#turns);
    if (canTell && expected !== undefined && socket?.stalled === false)
      checkAnswer(expected, socket?.frames.slice(before) ?? []);
  }

  toString(): string {
    const values = Object.values(this.#parameters).map(String);
    const later = this.#turns === 'rest' ? '' : ` +${this.#turns}`;
    return `${[this.#name, ...values].join(' ')}${later}`;
  }
}

function checkAnswer({ id, of, answers }: Expected, frames: readonly ServerFrame[]): void {
  const answer = frames.map((frame) => answerOf(frame, id, of)).find((each) => each !== undefined) ?? 'none';
  expect([...answers], `the answer to a ${of}`).toContain(answer);
}

/** What a frame says in answer to such a one; undefined where it is about something else. */
function answerOf(frame: ServerFrame, id: string, of: Expected['of']): string | undefined {
  if (!('id' in frame) || frame.id !== id) return undefined;
  if (frame.type === 'error' && frame.of !== undefined) return frame.of === of ? frame.code : undefined;
  if (isEnding(frame)) return of === 'cancel' ? 'ending' : undefined;
  const isAnswer = of !== 'cancel' && (frame.type === 'accepted' || frame.type === 'resumed');
  return isAnswer ? frame.type : undefined;
}

function idAt(index: number): string {
  return IDS[index % IDS.length] as string;
}

function streamOf(device: Device, index: number): HeldStream | undefined {
  return device.streams.get(idAt(index));
}

function runAt({ speaking }: Reference, index: number): ModelRun {
  return speaking[index % speaking.length] as ModelRun;
}

function positionOf(seq: number, which: 'held' | 'half' | 'zero'): number {
  return { held: seq, half: Math.floor(seq / 2), zero: 0 }[which];
}

function startStream(
  { reference }: World,
  device: Device,
  index: number,
  model: number,
): Expected | undefined {
  const { process, userId } = device;
  const [id, name] = [idAt(index), MODELS[model] ?? ''];
  const answers = process && reference.toStart(userId, id, name, process);
  return asked(device, 'start', start(id, { model: name }), answers);
}

function resumeStream(
  world: World,
  { device: index, id, after, epoch }: Parameters['resume'],
): Expected | undefined {
  const device = world.device(index);
  const { process, userId } = device;
  if (process === undefined) return undefined;
  const seq = streamOf(device, id)?.seq ?? 0;
  const resume = {
    id: idAt(id),
    epoch: epochFor(world.reference, device, idAt(id), epoch),
    after: after === 'future' ? seq + 1 : positionOf(seq, after),
  };
  const answers = world.reference.toResume(userId, resume, process);
  return asked(device, 'resume', resume, answers);
}

/** Sends it. Frames about one stream are answered in their order: where one waits, so does what comes after it. */
function asked(
  device: Device,
  type: Expected['of'],
  frame: Readonly<Record<string, unknown>>,
  answers: Answers | undefined,
): Expected | undefined {
  const id = String(frame['id']);
  const stream = device.streams.get(id);
  const isWaiting = stream?.isAsked('start') === true || stream?.isAsked('resume') === true;
  device.send({ type, ...frame });
  return isWaiting || answers === undefined ? undefined : new Expected(device, id, type, answers);
}

/** A device that reads no stream of that id yet has it from another one of its user. */
function epochFor(
  reference: Reference,
  { userId, streams }: Device,
  id: string,
  whose: Parameters['resume']['epoch'],
): string {
  const known = {
    right: () => streams.get(id)?.epoch ?? reference.latest(userId, id)?.epoch,
    foreign: () => reference.runs.findLast((run) => run.userId !== userId)?.epoch,
    wrong: () => undefined,
  };
  return known[whose]() ?? WRONG_EPOCH;
}

/** Says one more delta, which nobody else says. */
export function say({ clock }: World, run: ModelRun, isLarge = false): void {
  const { call, spoken, userId, id } = run;
  if (call === undefined || call.ending !== null) return;
  const word = `${userId === ALICE ? 'A' : 'B'}.${id}.${run.epoch.slice(0, 3)}.${spoken.length + 1} `;
  const delta = isLarge ? word.padEnd(LARGE, '·é') : word;
  run.hasBegun = true;
  run.bytes += Buffer.byteLength(delta) + 2;
  spoken.push(delta);
  run.spokenAt.push(clock.elapsed());
  call.text(delta);
}
