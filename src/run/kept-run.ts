/**
 * A run that is read back from where answers are kept: ended long ago, or left open by a machine that is gone. One that still
 * goes on at a machine which cannot be asked otherwise is followed as far as it is saved, once a second. It ends nothing.
 */
import type { KeptText } from '../answers/port.ts';
import type { RunIdentity } from '../observability/port.ts';
import type { AcceptedFrame } from '../protocol/frames.ts';
import { interruptedEnding } from '../protocol/interrupted.ts';
import { RelayError } from '../protocol/relay-error.ts';
import type { Timer } from '../time/clock.ts';
import type { TimerWheel } from '../time/timer-wheel.ts';
import type { RunEvents } from '../webhooks/port.ts';
import { Ending } from './ending.ts';
import { KeptLog } from './kept-log.ts';
import { Readers } from './readers.ts';
import type { RunView } from './run-view.ts';

/** How often it is saved where it runs, ms. */
const SAVED_EVERY_MS = 1000;
/** How long a reader waits for what it holds already to be saved, ms: less than the registry holds what nobody reads. */
const REACH_MS = 5000;

export interface KeptRunParts {
  readonly wheel: TimerWheel;
  /** What is kept of the same stream by now; undefined where nothing is. */
  readonly readAgain: () => Promise<KeptText | undefined>;
  readonly onReleased: (run: KeptRun) => void;
  /** Absent where the operator has no webhook. */
  readonly events: RunEvents | undefined;
}

export class KeptRun implements RunView {
  readonly id: string;
  readonly epoch: string;
  readonly userId: string;
  readonly model: string;
  readonly requestHash: string;
  readonly log: KeptLog;
  readonly readers = new Readers();
  /** Where it runs, if it does, that is decided. */
  readonly onDisconnect = 'resume';
  readonly principal = undefined;
  readonly interlude = undefined;
  readonly accepted = true;
  readonly isRemote = false;
  readonly isSettling = false;
  readonly isLost = false;
  readonly #action: string;
  readonly #parts: KeptRunParts;
  #ending: Ending | undefined;
  #reading: Timer | undefined;
  #released = false;
  /** Resolves with each thing that is learned. */
  #news = Promise.withResolvers<void>();

  constructor(text: KeptText, parts: KeptRunParts) {
    this.id = text.streamId;
    this.epoch = text.epoch;
    this.userId = text.userId;
    this.model = text.model;
    this.requestHash = text.requestHash;
    this.#action = text.action;
    this.#parts = parts;
    this.log = new KeptLog(text.deltas);
    this.#endAs(text);
    this.#readLater();
  }

  get acceptedFrame(): AcceptedFrame {
    const { id, epoch, model } = this;
    return { type: 'accepted', id, epoch, model };
  }

  get ending(): Ending | undefined {
    return this.#ending;
  }

  begun(): undefined {
    return undefined;
  }

  /**
   * What a reader holds beyond it is saved within a second or two, or was lost with its machine.
   * @throws RelayError unavailable where that is not known yet
   */
  reach(seq: number): Promise<void> | undefined {
    return this.#isOpen && seq > this.log.head ? this.#reach(seq) : undefined;
  }

  /** What was said in the last second before its machine died may be held by a reader, and nowhere else. */
  endingBeyond(seq: number): Ending | undefined {
    const frame = seq > this.log.head ? this.#ending?.frame : undefined;
    return frame?.type === 'error' && frame.code === 'interrupted'
      ? new Ending({ ...frame, seq })
      : undefined;
  }

  /** It has ended, or is nobody's to stop from here. */
  abort(): void {
    // See above.
  }

  /** It is erased: whoever reads it is told the end of it. */
  forgotten(): void {
    if (this.#ending !== undefined) return;
    this.#ending = new Ending(interruptedEnding(this.id, this.log.head));
    this.#reading?.cancel();
    this.#tell();
  }

  /** It may have been left open here by a crash a moment ago. */
  get awaitsReader(): boolean {
    return this.#parts.events !== undefined;
  }

  endingRead(): void {
    this.#parts.events?.endingRead(this.epoch);
  }

  release(): void {
    if (this.#released) return;
    this.#released = true;
    this.#reading?.cancel();
    this.#news.resolve();
    this.log.release();
    this.#parts.onReleased(this);
  }

  identity(): RunIdentity {
    const { id: streamId, epoch, userId, model } = this;
    return { streamId, epoch, userId, action: this.#action, model };
  }

  /** The list of kept answers has it. */
  listed(): undefined {
    return undefined;
  }

  #endAs({ ending, isDead }: KeptText): void {
    const frame = ending ?? (isDead ? interruptedEnding(this.id, this.log.head) : undefined);
    if (frame !== undefined) this.#ending = new Ending(frame);
  }

  /** Whether there may be more to come. */
  get #isOpen(): boolean {
    return this.#ending === undefined && !this.#released;
  }

  async #reach(seq: number): Promise<void> {
    let isLate = false;
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = this.#parts.wheel.after(REACH_MS, () => {
      isLate = true;
      resolve();
    });
    while (this.#isOpen && seq > this.log.head && !isLate) await Promise.race([this.#news.promise, late]);
    timer.cancel();
    if (isLate) throw new RelayError('unavailable', 'what is held of it is not saved yet; try again');
  }

  #tell(): void {
    this.#news.resolve();
    this.#news = Promise.withResolvers();
    this.readers.wake();
  }

  #readLater(): void {
    if (!this.#isOpen) return;
    this.#reading = this.#parts.wheel.after(SAVED_EVERY_MS, () => void this.#readOn());
  }

  async #readOn(): Promise<void> {
    try {
      this.#take(await this.#parts.readAgain());
    } catch {
      // Nobody can say at the moment: that is asked again.
    }
    this.#readLater();
  }

  #take(text: KeptText | undefined): void {
    if (!this.#isOpen) return;
    if (text?.epoch !== this.epoch) {
      this.forgotten();
      return;
    }
    for (const delta of text.deltas.slice(this.log.head)) this.log.append('text', delta);
    this.#endAs(text);
    this.#tell();
  }
}
