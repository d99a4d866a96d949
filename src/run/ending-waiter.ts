import type { RelayError } from '../protocol/relay-error.ts';
import type { RunReader } from './readers.ts';
import { unknownStream } from './refusals.ts';
import type { Ending } from './run.ts';
import type { RunView } from './run-view.ts';

/** Waits for nothing but the ending: what a cancel from a connection that does not follow the stream is answered with. */
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

  wake(): void {
    const { ending, isLost } = this.run;
    if (ending !== undefined) this.#done(ending);
    else if (isLost) this.#done(unknownStream());
  }

  refused(error: RelayError): void {
    this.#done(error);
  }
}
