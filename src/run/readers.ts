/** Who reads one run. */
import type { RelayError } from '../protocol/relay-error.ts';
import type { Ending } from './ending.ts';
import { unknownStream } from './refusals.ts';
import type { RunView } from './run-view.ts';

/** Something that reads a run through a cursor of its own. */
export interface RunReader {
  /** The run is accepted: the first call to a reader that joined before that. */
  accepted(): void;
  /** The run never was: the last call. */
  refused(error: RelayError): void;
  /** There is more to read, or the ending. */
  wake(): void;
  /** The run thinks or waits for tools, or there is more of that. */
  meanwhile(): void;
}

/** One for all: most runs that are kept have ended and nobody reads them. */
const NOBODY: readonly RunReader[] = [];

export class Readers {
  /** Replaced, never changed: who joins or leaves while they are being called does not disturb that. */
  #readers = NOBODY;

  get size(): number {
    return this.#readers.length;
  }

  add(reader: RunReader): void {
    this.#readers = [...this.#readers, reader];
  }

  /** Whether it was there. */
  delete(reader: RunReader): boolean {
    const others = this.#readers.filter((each) => each !== reader);
    if (others.length === this.#readers.length) return false;
    this.#readers = others.length === 0 ? NOBODY : others;
    return true;
  }

  accepted(): void {
    for (const reader of this.#readers) reader.accepted();
  }

  wake(): void {
    for (const reader of this.#readers) reader.wake();
  }

  meanwhile(): void {
    for (const reader of this.#readers) reader.meanwhile();
  }

  /** None is left then. */
  refuse(error: RelayError): void {
    const readers = this.#readers;
    this.#readers = NOBODY;
    for (const reader of readers) reader.refused(error);
  }
}

/** Waits for nothing but the ending: what a cancel from a connection that does not read the stream is answered with. */
export class EndingWaiter implements RunReader {
  readonly run: RunView;
  readonly #done: (ending: Ending | RelayError) => void;

  /** `done` gets the ending, or why there is none to be had. */
  constructor(run: RunView, done: (ending: Ending | RelayError) => void) {
    this.run = run;
    this.#done = done;
  }

  accepted(): void {
    // Only the ending counts.
  }

  meanwhile(): void {
    // Likewise.
  }

  wake(): void {
    const { ending, isLost } = this.run;
    if (ending !== undefined) this.#done(ending);
    else if (isLost) this.#done(unknownStream());
  }

  refused(error: RelayError): void {
    this.#done(error);
  }
}
