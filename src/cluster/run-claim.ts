/**
 * An id that this machine has claimed, and from its acceptance on the run as other machines have it: its log and ending
 * go to them, and their readers count as one reader here, so that a run is not abandoned while somebody follows it
 * elsewhere.
 */
import type { ListedStream } from '../protocol/frames.ts';
import { fromWire } from '../protocol/wire-text.ts';
import type { Interlude } from '../run/interlude.ts';
import type { Claim } from '../run/port.ts';
import type { RunReader } from '../run/readers.ts';
import type { RunRegistry } from '../run/registry.ts';
import type { RunView } from '../run/run-view.ts';
import type { StreamLog } from '../stream-log/port.ts';
import type { Publication, PublishedSource, RunRecord, SharedRuns } from './port.ts';

export class RunClaim implements Claim {
  readonly isCounted: boolean;
  readonly #record: RunRecord;
  readonly #shared: SharedRuns;
  readonly #registry: RunRegistry;
  #published: PublishedRun | undefined;

  constructor(record: RunRecord, isCounted: boolean, shared: SharedRuns, registry: RunRegistry) {
    this.#record = record;
    this.isCounted = isCounted;
    this.#shared = shared;
    this.#registry = registry;
  }

  publish(run: RunView): void {
    this.#published = new PublishedRun(run, this.#record, this.#shared, this.#registry);
  }

  confirmed(): Promise<void> | undefined {
    return this.#published?.confirmed();
  }

  ended(): void {
    this.#published?.wake();
  }

  release(): void {
    this.#shared.release(this.#record);
  }
}

class PublishedRun implements PublishedSource, RunReader {
  readonly #run: RunView;
  readonly #registry: RunRegistry;
  readonly #publication: Publication;
  #ending: string | undefined;

  constructor(run: RunView, record: RunRecord, shared: SharedRuns, registry: RunRegistry) {
    this.#run = run;
    this.#registry = registry;
    this.#publication = shared.publish(record, this);
  }

  get log(): StreamLog {
    return this.#run.log;
  }

  get interlude(): Interlude | undefined {
    return this.#run.interlude;
  }

  get ending(): string | undefined {
    const { ending } = this.#run;
    if (ending !== undefined) this.#ending ??= fromWire(ending.wire);
    return this.#ending;
  }

  get listed(): ListedStream | undefined {
    return this.#run.listed();
  }

  followed(isFollowed: boolean): void {
    if (isFollowed) this.#registry.join(this.#run, this);
    else this.#registry.leave(this.#run, this);
  }

  cancelled(): void {
    this.#run.abort('cancelled');
  }

  givenUp(): void {
    this.#run.abort('given_up');
  }

  forgotten(): void {
    this.#run.abort('cancelled');
    this.#registry.forget(this.#run);
  }

  confirmed(): Promise<void> | undefined {
    return this.#publication.confirmed();
  }

  wake(): void {
    this.#publication.wake();
  }

  meanwhile(): void {
    this.#publication.meanwhile();
  }

  accepted(): void {
    // It was before there was this reader.
  }

  refused(): void {
    // Likewise.
  }
}
