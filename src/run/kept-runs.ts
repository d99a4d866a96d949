/**
 * Kept answers as runs: reads them back and has the registry hold them for a while, so that any number of readers is served
 * by one reading. What they take of memory is bounded, and none of it is taken from live runs.
 */
import type { KeptAnswers, KeptText } from '../answers/port.ts';
import { RelayError } from '../protocol/relay-error.ts';
import type { TimerWheel } from '../time/timer-wheel.ts';
import type { RunEvents } from '../webhooks/port.ts';
import { KeptRun } from './kept-run.ts';
import type { RunRegistry } from './registry.ts';
import type { RunView } from './run-view.ts';

/** Of all that is held at once; an answer has some 10 KB. */
const MOST_BYTES = 64 * 1024 * 1024;

interface Reading {
  readonly userId: string;
  readonly id: string;
  isStale: boolean;
  run: Promise<RunView | undefined>;
}

export class KeptRuns {
  readonly #answers: KeptAnswers;
  readonly #registry: RunRegistry;
  readonly #wheel: TimerWheel;
  readonly #events: RunEvents | undefined;
  /** By user and stream. */
  readonly #readings = new Map<string, Reading>();
  #heldBytes = 0;

  /** @param events absent where the operator has no webhook */
  constructor(answers: KeptAnswers, registry: RunRegistry, wheel: TimerWheel, events: RunEvents | undefined) {
    this.#events = events;
    this.#answers = answers;
    this.#registry = registry;
    this.#wheel = wheel;
  }

  /**
   * The run of that id that is kept, in the registry by then: once, however many ask at the same time.
   * @throws RelayError unavailable where nobody can say
   */
  find(userId: string, id: string): Promise<RunView | undefined> {
    const key = `${userId} ${id}`;
    const underWay = this.#readings.get(key);
    if (underWay !== undefined) return underWay.run;
    const reading: Reading = { userId, id, isStale: false, run: Promise.resolve(undefined) };
    reading.run = this.#read(reading).finally(() => {
      if (this.#readings.get(key) === reading) this.#readings.delete(key);
    });
    this.#readings.set(key, reading);
    return reading.run;
  }

  /** What is being read was asked for before it was erased, and is there no more. */
  forget(userId: string, id?: string): void {
    for (const [key, reading] of this.#readings) {
      if (reading.userId !== userId || (id !== undefined && reading.id !== id)) continue;
      reading.isStale = true;
      this.#readings.delete(key);
    }
  }

  async #read(reading: Reading): Promise<RunView | undefined> {
    const { userId, id } = reading;
    const text = await this.#answers.find(userId, id);
    // It may have begun here, or have been brought from another machine, meanwhile.
    const here = this.#registry.find(userId, id);
    if (text === undefined || reading.isStale || here !== undefined) return here;
    const run = this.#runOf(text);
    this.#registry.adopt(run);
    return run;
  }

  #runOf(text: KeptText): KeptRun {
    const { userId, streamId } = text;
    const bytes = text.deltas.reduce((sum, { length }) => sum + length, 0);
    if (this.#heldBytes + bytes > MOST_BYTES)
      throw new RelayError('unavailable', 'too many kept answers are read at the moment; try again');
    this.#heldBytes += bytes;
    return new KeptRun(text, {
      wheel: this.#wheel,
      events: this.#events,
      readAgain: () => this.#answers.find(userId, streamId),
      onReleased: () => {
        this.#heldBytes -= bytes;
      },
    });
  }
}
