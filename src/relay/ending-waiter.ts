import type { RelayError } from '../protocol/relay-error.ts';
import type { WireText } from '../protocol/wire-text.ts';
import type { Stream, StreamReader } from './stream.ts';

/** Waits for nothing but the ending: what a cancel from a connection that does not follow the stream is answered with. */
export class EndingWaiter implements StreamReader {
  readonly stream: Stream;
  readonly #done: (answer: WireText | undefined) => void;

  /** `done` gets the ending, or nothing where the run was refused before it began. */
  constructor(stream: Stream, done: (answer: WireText | undefined) => void) {
    this.stream = stream;
    this.#done = done;
  }

  accepted(): void {
    // Only the ending counts.
  }

  wake(): void {
    const { ending } = this.stream;
    if (ending !== undefined) this.#done(ending.wire);
  }

  refused(_error: RelayError): void {
    this.#done(undefined);
  }
}
