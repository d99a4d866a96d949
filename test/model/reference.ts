/**
 * What the protocol promises, without how it is kept: which runs there are, what their models said, how they ended, and
 * for how long they are held. It says what a frame may be answered with, and judges all that devices are told.
 */
import { expect } from 'vitest';
import type { EndingFrame } from '../../src/protocol/frames.ts';
import { fromWire } from '../../src/protocol/wire-text.ts';
import type { Ending } from '../../src/run/ending.ts';
import type { HeldStream, StreamFrame } from '../support/held-stream.ts';
import type { ManualClock } from '../support/manual-clock.ts';
import type { ScriptedCall } from '../support/scripted-upstream.ts';
import { type Device, isEnding, type Judge } from './device.ts';
import type { DiskRow } from './disk.ts';
import type { HttpReader } from './http-reader.ts';
import { LOG_BYTES, type Machine, type Process, WINDOW_MS } from './machine.ts';

/** Machines keep what they read of others for so long at least, when nobody reads it any more, ms. */
export const REMOTE_KEPT_MS = 10_000;
/** A reader that takes nothing holds an ended run for so long at most, ms. */
const STALLED_MS = 40_000;
/** Until a dead owner is given up, and until a resume no longer waits for what a client holds, ms. */
export const GIVEN_UP_MS = 8000;
/** How much longer or shorter something may be held than it should: a tick, a turn of a publication, ms. */
const TOLERANCE_MS = 600;
/** A machine knows nothing of who follows its runs, or cannot tell them, for so long after its link was at fault, ms. */
const UNHEARD_MS = 3000;
/** Deltas of a machine that is killed so soon after they came may be nowhere else, ms. */
const PUBLISHED_MS = 600;

export class ModelRun {
  readonly epoch: string;
  readonly userId: string;
  readonly id: string;
  readonly model: string;
  readonly owner: Process;
  readonly row: DiskRow;
  /** When it was seen first, elapsed ms. */
  readonly begunAt: number;
  call: ScriptedCall | undefined;
  /** Deltas, in the order in which its model said them. */
  readonly spoken: string[] = [];
  readonly spokenAt: number[] = [];
  bytes = 0;
  hasBegun = false;
  /** Its owner's word, as it is sent. */
  ending: string | undefined;
  endedAt: number | undefined;
  /** The store was at fault while it was live or held: others may not have all of it for a while. */
  isDisturbed = false;
  /** Its owner could not be heard for so long that others may have given it up. */
  isSilenced = false;
  /** Others have told that it was interrupted. */
  isToldInterrupted = false;
  /** Its owner could neither know of a reader elsewhere nor tell the store, as it ended: what others told may be another ending. */
  mayHaveTwoEndings = false;

  constructor(row: DiskRow, owner: Process, begunAt: number) {
    const { epoch, userId, streamId, model } = row.intent;
    this.epoch = epoch;
    this.userId = userId;
    this.id = streamId;
    this.model = model;
    this.owner = owner;
    this.row = row;
    this.begunAt = begunAt;
  }

  /** Its log may have lost its beginning. */
  get mayBeTrimmed(): boolean {
    return this.bytes > LOG_BYTES - 2 * 4096;
  }

  get isLive(): boolean {
    return this.ending === undefined && !this.owner.isGone;
  }

  /** The model still answers. */
  get isSpeaking(): boolean {
    return this.isLive && this.call?.ending === null;
  }

  textUntil(seq: number): string {
    return this.spoken.slice(0, seq).join('');
  }
}

/** Whether a run is held where it is asked for. */
type Held = 'yes' | 'no' | 'maybe';

/** Types of frames, and codes of errors. */
export type Answers = ReadonlySet<string>;

/** Where nobody can say who knows what. */
const ANYTHING: Answers = new Set([
  'accepted',
  'resumed',
  'conflict',
  'resume_gap',
  'unknown_stream',
  'unavailable',
  'ending',
  'none',
]);

export class Reference implements Judge {
  readonly runs: ModelRun[] = [];
  readonly byEpoch = new Map<string, ModelRun>();
  /** All is well since then, elapsed ms: nothing that the store did lately can show any more. */
  soundSince = Number.NEGATIVE_INFINITY;
  /** Since when messages between machines arrive, and at once, elapsed ms; undefined: they do not. */
  mailSince: number | undefined = Number.NEGATIVE_INFINITY;
  /** Some reader took nothing for a while. */
  hasStalled = false;
  /** When a machine was killed last, elapsed ms. */
  killedAt = Number.NEGATIVE_INFINITY;
  /** Some machine was killed, or stopped. */
  hasLostMachines = false;
  /** Devices ask for what they hold, and nothing else. */
  areDevicesSane = false;
  readonly #clock: ManualClock;
  readonly #isShared: boolean;
  /** Rows of each disk that are known. */
  readonly #known = new Map<Machine, number>();
  readonly #calls = new Map<Process, number>();
  /** When the link of a process was at fault last, elapsed ms. */
  readonly #cutAt = new Map<Process, number>();

  constructor(clock: ManualClock, isShared: boolean) {
    this.#clock = clock;
    this.#isShared = isShared;
  }

  /** Nothing of the store was wrong for the last three seconds. */
  get isCalm(): boolean {
    return this.#clock.elapsed() - this.soundSince >= 3000;
  }

  /** What was lost between machines was asked for again by now. */
  get hasMail(): boolean {
    return this.mailSince !== undefined && this.#clock.elapsed() - this.mailSince >= UNHEARD_MS;
  }

  /** The runs whose models still answer. */
  get speaking(): readonly ModelRun[] {
    return this.runs.filter(({ isSpeaking }) => isSpeaking);
  }

  /** Learns what has begun, and what has ended. To be called after each step, while its machines are as they were in it. */
  observe(machines: readonly Machine[]): void {
    for (const machine of machines) this.#learn(machine);
    for (const run of this.runs) if (run.ending === undefined && !run.owner.wasKilled) this.#learnEnding(run);
  }

  /** The store is at fault, of all or for one machine. */
  disturb(): void {
    const now = this.#clock.elapsed();
    for (const run of this.runs)
      if (run.endedAt === undefined || now - run.endedAt < WINDOW_MS + REMOTE_KEPT_MS) run.isDisturbed = true;
  }

  silence(owner: Process): void {
    for (const run of this.runs)
      if (run.owner === owner && this.#isHeldThere(run) !== 'no') run.isSilenced = true;
  }

  /** The link of a process is at fault, from now on or still: what had just ended there may not have left. */
  cutOff(owner: Process, isNew: boolean): void {
    const now = this.#clock.elapsed();
    this.#cutAt.set(owner, now);
    if (!isNew) return;
    for (const run of this.runs)
      if (run.owner === owner && run.endedAt !== undefined && now - run.endedAt < UNHEARD_MS)
        run.mayHaveTwoEndings = true;
  }

  /** A failover, which may have lost that a run was given up. */
  failedOver(): void {
    for (const run of this.runs) if (run.isToldInterrupted) run.mayHaveTwoEndings = true;
  }

  /** The run that has the id, as far as that can be said. */
  latest(userId: string, id: string): ModelRun | undefined {
    return this.runs.findLast((run) => run.userId === userId && run.id === id);
  }

  /** What a `start` may be answered with, at rest. */
  toStart(userId: string, id: string, model: string, at: Process): Answers {
    const held = this.#heldAt(userId, id, at);
    const run = this.latest(userId, id);
    const answers = new Set<string>();
    if (held !== 'no') answers.add(run?.model === model ? 'resumed' : 'conflict');
    if (held !== 'no' && run?.mayBeTrimmed) answers.add('resume_gap');
    if (held !== 'yes') answers.add('accepted');
    if (held === 'maybe' || this.#isUnsure(held)) this.#addUnsure(answers);
    if (at.isDraining && (held !== 'yes' || run?.owner !== at)) answers.add('shutting_down');
    if (at.isDraining && held === 'no') answers.delete('accepted');
    if (at.disk.full) answers.add('unavailable');
    return this.#addLate(answers, run, at);
  }

  /** What a `resume` may be answered with, at rest. */
  toResume(
    userId: string,
    { id, epoch, after }: { id: string; epoch: string; after: number },
    at: Process,
  ): Answers {
    const held = this.#heldAt(userId, id, at);
    const run = this.latest(userId, id);
    if (held === 'no' || run === undefined)
      return this.#isUnsure(held) ? ANYTHING : this.#addLate(new Set(['unknown_stream']), run, at);
    const answers = new Set<string>();
    if (held === 'maybe') this.#addUnsure(answers);
    this.#addLate(answers, run, at);
    if (epoch !== run.epoch) return answers.add('resume_gap');
    // What it holds may not have arrived there yet.
    if (run.owner !== at && after > 0) answers.add('none');
    if (after > run.spoken.length) return answers.add('resume_gap');
    if (run.mayBeTrimmed) answers.add('resume_gap');
    return answers.add('resumed');
  }

  /** What a `cancel` may be answered with, at rest. */
  toCancel(userId: string, id: string, at: Process): Answers {
    const held = this.#heldAt(userId, id, at);
    const run = this.latest(userId, id);
    if (held === 'no' || run === undefined)
      return this.#isUnsure(held) ? ANYTHING : this.#addLate(new Set(['unknown_stream']), run, at);
    const answers = new Set(['ending']);
    if (held === 'maybe') this.#addUnsure(answers);
    // What cannot be read there any more has no ending to wait for.
    if (run.owner !== at && run.mayBeTrimmed) answers.add('unknown_stream');
    return this.#addLate(answers, run, at);
  }

  told(device: Device, stream: HeldStream, frame: StreamFrame): void {
    if (frame.type === 'accepted' || frame.type === 'resumed') this.#toldRun(device, frame);
    else if (frame.type === 'chunk') this.#toldText(stream);
    else if (isEnding(frame)) this.#toldEnding(device, stream, frame);
    else if (frame.type === 'error' && frame.of === 'resume')
      this.#toldGap(device.userId, stream.id, stream.epoch, frame.code);
  }

  /** What a caller by HTTP was told so far. @throws Error where it may not be */
  checkReader({ failure, isOpen, userId, id, epoch = '', after, seq, text, ending }: HttpReader): void {
    if (failure?.startsWith('broken')) throw new Error(`by HTTP: ${failure}`);
    if (failure !== undefined) this.#toldGap(userId, id, epoch, failure);
    if (!isOpen) return;
    const run = this.byEpoch.get(epoch);
    if (run === undefined || run.userId !== userId || run.id !== id) throw new Error('by HTTP: another run');
    if (run.spoken.slice(after, seq).join('') !== text) throw new Error('by HTTP: not what was said');
    if (ending === undefined) return;
    if (!this.#isEndingOf(run, ending)) throw new Error('by HTTP: not its ending');
    this.#noteEnding(run, ending);
  }

  /** Whether others may have told that it was interrupted, although its owner says something else. */
  mayBeInterrupted(run: ModelRun): boolean {
    const { owner, isSilenced, isDisturbed } = run;
    // One that was stopped could not tell them everything.
    return owner.wasKilled || isSilenced || (owner.isGone && isDisturbed);
  }

  /** Whether what a reader holds, or asks for, may be nowhere any more, though everything works again. */
  mayBeLost(run: ModelRun): boolean {
    if (run.mayBeTrimmed || this.mayBeInterrupted(run)) return true;
    // While the machines could not ask each other, the id may have gone to another run, and stays with it.
    const isSame = ({ userId, id, epoch }: ModelRun) =>
      userId === run.userId && id === run.id && epoch !== run.epoch;
    // Also to one whose machine was gone before it began.
    return run.isDisturbed && (this.runs.some(isSame) || this.hasLostMachines);
  }

  isHeldForSure(run: ModelRun): boolean {
    return this.#isHeldThere(run) === 'yes' && this.latest(run.userId, run.id) === run;
  }

  /** A machine that was killed lately may have had the id, before it could say that its run began. */
  #isUnsure(held: Held): boolean {
    return this.#isShared && held !== 'yes' && this.#clock.elapsed() - this.killedAt < GIVEN_UP_MS;
  }

  /**
   * Without messages machines hear of each other by their timers; so they do where a log has lost what they lack, and where the id may have been
   * claimed by a machine that died before it began: that one is given up first.
   */
  #addLate(answers: Set<string>, run: ModelRun | undefined, at: Process): Set<string> {
    const mayBeClaimed = run === undefined && this.hasLostMachines;
    const isLate = run?.owner !== at && (!this.hasMail || run?.mayBeTrimmed || mayBeClaimed);
    return isLate ? answers.add('none') : answers;
  }

  #addUnsure(answers: Set<string>): Set<string> {
    for (const each of ANYTHING) answers.add(each);
    return answers;
  }

  #learn(machine: Machine): void {
    const { latest: process } = machine;
    const known = this.#known.get(machine) ?? 0;
    const { rows } = machine.disk;
    if (rows.size > known) for (const row of [...rows.values()].slice(known)) this.#begin(row, process);
    this.#known.set(machine, rows.size);
    const { calls } = process.core.upstream;
    for (const call of calls.slice(this.#calls.get(process) ?? 0)) {
      const run = this.byEpoch.get(call.request.epoch);
      if (run === undefined) throw new Error('a call before its row'); // intent before call
      if (run.call !== undefined) throw new Error('two calls of a run');
      run.call = call;
    }
    this.#calls.set(process, calls.length);
  }

  #begin(row: DiskRow, owner: Process): void {
    const run = new ModelRun(row, owner, this.#clock.elapsed());
    if (this.byEpoch.has(run.epoch)) throw new Error('two runs of one epoch');
    run.isDisturbed = !this.isCalm;
    const before = this.latest(run.userId, run.id);
    if (
      before !== undefined &&
      this.isCalm &&
      !before.isDisturbed &&
      this.#heldAt(run.userId, run.id, owner) === 'yes'
    )
      throw new Error(`a second run of ${run.id}, which has one`);
    this.runs.push(run);
    this.byEpoch.set(run.epoch, run);
  }

  #learnEnding(run: ModelRun): void {
    const ending = endingOf(run);
    if (ending === undefined) return;
    run.ending = fromWire(ending.wire);
    run.endedAt = this.#clock.elapsed();
    const cutAt = this.#cutAt.get(run.owner) ?? Number.NEGATIVE_INFINITY;
    run.mayHaveTwoEndings ||= !run.owner.followed.has(run.epoch) && run.endedAt - cutAt < UNHEARD_MS;
    this.#checkRow(run, ending.frame);
    this.#checkOneEnding(run);
  }

  /** What others tell of a run is what its owner tells, and what its row says. */
  #checkOneEnding({ isToldInterrupted, mayHaveTwoEndings, ending, owner, row }: ModelRun): void {
    if (!isToldInterrupted || ending === undefined || mayHaveTwoEndings) return;
    if (owner.isGone || owner.disk.wasFull) return; // it could not tell them everything
    expect(row.code, 'the row of a run that others ended').toBe('interrupted');
    expect(JSON.parse(ending), 'the ending of a run that others ended').toMatchObject({
      code: 'interrupted',
    });
  }

  /** Settle before ending: what the row says by then. */
  #checkRow({ row, owner, spoken, hasBegun }: ModelRun, frame: EndingFrame): void {
    if (owner.disk.wasFull) return;
    expect(row.status, 'the row of a run that ended').toBe(frame.type);
    expect(row.code, 'the code of its row').toBe(frame.type === 'error' ? frame.code : null);
    expect(frame.usage, 'what a receipt says').toMatchObject({
      outputTokens: row.usage.outputTokens,
      inputTokens: row.usage.inputTokens,
      source: row.usage.source,
    });
    expect(row.usage.outputTokens, 'tokens of what was said').toBe(hasBegun ? spoken.length + 1 : 0);
    expect(frame.seq, 'deltas of a run that ended').toBe(spoken.length);
  }

  #toldRun(device: Device, { epoch, id }: { epoch: string; id: string }): void {
    const run = this.byEpoch.get(epoch);
    if (run === undefined) throw new Error('a run that no row knows'); // intent before `accepted`
    if (run.userId !== device.userId || run.id !== id) throw new Error('a run of somebody else');
  }

  #toldText({ epoch = '', seq, text }: HeldStream): void {
    const run = this.byEpoch.get(epoch);
    if (run === undefined) throw new Error('text of no run');
    if (run.textUntil(seq) !== text) throw new Error(`what is held until ${seq} is not what was said`);
  }

  #toldEnding({ userId }: Device, stream: HeldStream, frame: EndingFrame): void {
    // Who cancels what it never read does not know the run; and the id may have another run by now.
    const runs = this.runs.filter((run) => run.userId === userId && run.id === stream.id);
    const possible = runs.filter((run) => this.#isEndingOf(run, frame));
    const [first, second] = possible;
    if (first === undefined) throw new Error(`an ending that none of its runs has: ${JSON.stringify(frame)}`);
    const named = possible.find(({ epoch }) => epoch === stream.epoch);
    const run = named ?? (second === undefined ? first : undefined);
    if (run !== undefined) this.#noteEnding(run, frame);
  }

  /** It was told of that run. */
  #noteEnding(run: ModelRun, frame: EndingFrame): void {
    if (run.ending === JSON.stringify(frame)) return;
    run.isToldInterrupted = true;
    this.#checkOneEnding(run);
  }

  #isEndingOf(run: ModelRun, frame: EndingFrame): boolean {
    if (run.ending === JSON.stringify(frame)) return true;
    const isOfOthers = frame.type === 'error' && frame.code === 'interrupted' && frame.usage === undefined;
    if (!isOfOthers || !this.mayBeInterrupted(run)) return false;
    // Who says that it holds a delta more is believed: nobody is left to know better.
    const most = run.spoken.length + (this.areDevicesSane ? 0 : 1);
    return frame.seq <= most && (run.isDisturbed || frame.seq >= leftBehind(run));
  }

  #toldGap(userId: string, id: string, epoch: string | undefined, code: string): void {
    if (code !== 'resume_gap' && code !== 'unknown_stream') return;
    const run = this.byEpoch.get(epoch ?? '');
    if (run === undefined || !this.isCalm || run.isDisturbed || run.mayBeTrimmed) return;
    const isExact = wasPublished(run) && !diedInItsEnding(run);
    if (code === 'resume_gap' && this.areDevicesSane && this.latest(userId, id) === run && isExact)
      throw new Error('what is held of a run whose machine was killed is no position in it');
    if (code === 'unknown_stream' && !this.mayBeLost(run) && this.isHeldForSure(run))
      throw new Error('a stream that is held is unknown');
  }

  #heldAt(userId: string, id: string, at: Process): Held {
    const runs = this.runs.filter((run) => run.userId === userId && run.id === id);
    const latest = runs.at(-1);
    if (latest === undefined) return 'no';
    if (runs.some((run) => run !== latest && this.#heldBy(run, at) !== 'no')) return 'maybe';
    return this.#heldBy(latest, at);
  }

  #heldBy(run: ModelRun, at: Process): Held {
    const held = this.#isHeldThere(run);
    if (run.owner === at || (held === 'no' && !this.#isShared)) return held;
    return run.isDisturbed || !this.isCalm ? 'maybe' : held;
  }

  /** By its owner, or, where that one is gone, by those it shared it with. */
  #isHeldThere(run: ModelRun): Held {
    if (run.owner.isGone && !this.#isShared) return 'no';
    const now = this.#clock.elapsed();
    const endedAt = run.endedAt ?? (run.owner.isGone ? undefined : now);
    if (run.owner.wasKilled || endedAt === undefined) return this.#isShared ? 'maybe' : 'no';
    const past = now - endedAt;
    if (past < WINDOW_MS - TOLERANCE_MS) return 'yes';
    const more = (this.#isShared ? 2 * REMOTE_KEPT_MS : 0) + (this.hasStalled ? STALLED_MS : 0);
    return past < WINDOW_MS + TOLERANCE_MS + more ? 'maybe' : 'no';
  }
}

/** Whether others know of it, also if its machine was killed. */
function wasPublished({ begunAt, owner: { killedAt } }: ModelRun): boolean {
  return killedAt === undefined || killedAt - begunAt > PUBLISHED_MS;
}

/** Its machine was killed after it had made sure of the ending, and before that was there: nobody can say what it told. */
function diedInItsEnding({ epoch, owner: { killedAt, link } }: ModelRun): boolean {
  const askedAt = link?.endings.get(epoch);
  return killedAt !== undefined && askedAt !== undefined && killedAt - askedAt < TOLERANCE_MS;
}

/** What a killed machine has certainly left to others: the seq of the last delta that was said some time before. */
function leftBehind({ spokenAt, owner: { killedAt } }: ModelRun): number {
  return killedAt === undefined ? 0 : spokenAt.filter((at) => killedAt - at > PUBLISHED_MS).length;
}

/** As its owner has it. */
function endingOf({ owner, userId, id, epoch }: ModelRun): Ending | undefined {
  const run = owner.core.relay.registry.find(userId, id);
  return run?.epoch === epoch ? run.ending : undefined;
}
