/**
 * A run of this machine as other machines have it: its log and ending go to them, and their readers count as one
 * reader here, so that a run is not abandoned while somebody follows it elsewhere.
 */
import { fromWire } from '../protocol/wire-text.ts';
import type { RunReader } from '../run/readers.ts';
import type { RunRegistry } from '../run/registry.ts';
import type { Run } from '../run/run.ts';
import type { StreamLog } from '../stream-log/port.ts';
import type { Publication, PublishedSource, RunRecord, SharedRuns } from './port.ts';

export class PublishedRun implements PublishedSource, RunReader {
  readonly #run: Run;
  readonly #registry: RunRegistry;
  readonly #publication: Publication;
  #ending: string | undefined;

  /** Of an accepted stream. */
  constructor(run: Run, record: RunRecord, shared: SharedRuns, registry: RunRegistry) {
    this.#run = run;
    this.#registry = registry;
    this.#publication = shared.publish(record, this);
  }

  get log(): StreamLog {
    return this.#run.log;
  }

  get ending(): string | undefined {
    const { ending } = this.#run;
    if (ending !== undefined) this.#ending ??= fromWire(ending.wire);
    return this.#ending;
  }

  followed(isFollowed: boolean): void {
    if (isFollowed) this.#registry.join(this.#run, this);
    else this.#registry.leave(this.#run, this);
  }

  cancelled(): void {
    this.#run.abort('cancelled');
  }

  /** Readers here read on: theirs is the run that goes on. */
  givenUp(): void {
    this.#registry.leave(this.#run, this);
    if (this.#run.readers.size === 0) this.#run.abort('interrupted');
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
