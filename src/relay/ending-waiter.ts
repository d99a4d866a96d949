import type { RelayError } from '../protocol/relay-error.ts';
import type { StreamReader } from './readers.ts';
import { unknownStream } from './refusals.ts';
import type { Ending } from './stream.ts';
import type { StreamView } from './stream-view.ts';

/** Waits for nothing but the ending: what a cancel from a connection that does not follow the stream is answered with. */
export class EndingWaiter implements StreamReader {
  readonly stream: StreamView;
  readonly #done: (ending: Ending | RelayError) => void;

  /** `done` gets the ending, or why there is none to be had. */
  constructor(stream: StreamView, done: (ending: Ending | RelayError) => void) {
    this.stream = stream;
    this.#done = done;
  }

  accepted(): void {
    // Only the ending counts.
  }

  wake(): void {
    const { ending, isLost } = this.stream;
    if (ending !== undefined) this.#done(ending);
    else if (isLost) this.#done(unknownStream());
  }

  refused(error: RelayError): void {
    this.#done(error);
  }
}
