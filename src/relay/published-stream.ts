/**
 * A run of this machine as other machines have it: its log and ending go to them, and their readers count as one
 * reader here, so that a run is not abandoned while somebody follows it elsewhere.
 */
import { fromWire } from '../protocol/wire-text.ts';
import type { StreamLog } from '../stream-log/port.ts';
import type { Publication, PublishedSource, SharedRun, SharedStreams } from '../stream-log/shared-port.ts';
import type { StreamReader } from './readers.ts';
import type { Stream } from './stream.ts';
import type { StreamRegistry } from './stream-registry.ts';

export class PublishedStream implements PublishedSource, StreamReader {
  readonly #stream: Stream;
  readonly #registry: StreamRegistry;
  readonly #publication: Publication;
  #ending: string | undefined;

  /** Of an accepted stream. */
  constructor(stream: Stream, run: SharedRun, shared: SharedStreams, registry: StreamRegistry) {
    this.#stream = stream;
    this.#registry = registry;
    this.#publication = shared.publish(run, this);
  }

  get log(): StreamLog {
    return this.#stream.log;
  }

  get ending(): string | undefined {
    const { ending } = this.#stream;
    if (ending !== undefined) this.#ending ??= fromWire(ending.wire);
    return this.#ending;
  }

  followed(isFollowed: boolean): void {
    if (isFollowed) this.#registry.join(this.#stream, this);
    else this.#registry.leave(this.#stream, this);
  }

  cancelled(): void {
    this.#stream.stop('cancelled');
  }

  /** Readers here read on: theirs is the run that goes on. */
  givenUp(): void {
    this.#registry.leave(this.#stream, this);
    if (this.#stream.readers.size === 0) this.#stream.stop('interrupted');
  }

  wake(): void {
    this.#publication.wake();
  }

  accepted(): void {
    // It was before there was this reader.
  }

  refused(): void {
    // Likewise.
  }
}
