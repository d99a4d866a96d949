/**
 * The run that a frame is about, wherever it is: on this machine, on another one, or kept after it has left memory. In this
 * order: what is here costs nothing, and nobody waits for it.
 */
import { RelayError } from '../protocol/relay-error.ts';
import type { KeptRuns } from './kept-runs.ts';
import type { Cluster } from './port.ts';
import type { RunRegistry } from './registry.ts';
import type { RunView } from './run-view.ts';
import type { UndecidedStarts } from './undecided-starts.ts';

export interface RunFinderParts {
  readonly registry: RunRegistry;
  /** Absent where this is the only machine. */
  readonly cluster: Cluster | undefined;
  /** Absent where no answers are kept. */
  readonly kept: KeptRuns | undefined;
  readonly undecided: UndecidedStarts;
}

export class RunFinder {
  readonly #parts: RunFinderParts;

  constructor(parts: RunFinderParts) {
    this.#parts = parts;
  }

  /**
   * At once where it is here, or nowhere else can be asked.
   * @throws RelayError resume_gap to a resume, and unavailable, where nobody can say; as a rejection
   */
  find(
    userId: string,
    asked: { readonly id: string; readonly type: 'resume' | 'cancel' },
  ): RunView | undefined | Promise<RunView | undefined> {
    const { registry, cluster, kept } = this.#parts;
    const here = registry.find(userId, asked.id);
    if (here !== undefined || (cluster === undefined && kept === undefined)) return here;
    return this.#findElsewhere(userId, asked);
  }

  async #findElsewhere(
    userId: string,
    asked: { readonly id: string; readonly type: 'resume' | 'cancel' },
  ): Promise<RunView | undefined> {
    const { registry, cluster, kept, undecided } = this.#parts;
    await undecided.of(userId, asked.id);
    const here = registry.find(userId, asked.id);
    if (here !== undefined) return here;
    let refusal: unknown;
    try {
      const run = await cluster?.find(userId, asked);
      if (run !== undefined) return run;
    } catch (error) {
      refusal = error; // the others cannot be asked, or have lost it; what is kept of it may be read all the same
    }
    const run = await kept?.find(userId, asked.id);
    if (run === undefined && refusal !== undefined) throw refusal;
    const isLive = run !== undefined && run.ending === undefined;
    if (isLive && asked.type === 'cancel') throw outOfReach(refusal);
    return run;
  }
}

function outOfReach(cause: unknown): RelayError {
  return new RelayError('unavailable', 'the server that runs it cannot be asked now; try again', { cause });
}
