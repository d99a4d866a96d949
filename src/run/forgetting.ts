/**
 * Erases streams of a user for good. What runs is stopped first, so that whoever reads it is told the ending; what had its
 * ending stays until its last reader has it, and nobody finds it any more.
 *
 *   ended everywhere ──► erased where it is kept, and from what machines share ──► once more: what was read meanwhile goes too
 */
import type { KeptAnswers } from '../answers/port.ts';
import { KeptRun } from './kept-run.ts';
import type { KeptRuns } from './kept-runs.ts';
import type { Cluster } from './port.ts';
import { EndingWaiter } from './readers.ts';
import type { RunRegistry } from './registry.ts';
import type { RunView } from './run-view.ts';

export interface ForgettingParts {
  readonly registry: RunRegistry;
  /** Absent where this is the only machine. */
  readonly cluster: Cluster | undefined;
  /** Both absent where no answers are kept. */
  readonly kept: KeptRuns | undefined;
  readonly answers: KeptAnswers | undefined;
}

export class Forgetting {
  readonly #parts: ForgettingParts;

  constructor(parts: ForgettingParts) {
    this.#parts = parts;
    parts.cluster?.onForget((userId, id) => this.here(userId, id));
  }

  /**
   * Resolves once the stream of that id, or each of the user's, is gone from every place. Where one cannot be reached, it is
   * gone from the others all the same.
   * @throws RelayError unavailable where it may still be somewhere: to be asked again
   */
  async everywhere(userId: string, id?: string): Promise<void> {
    const { cluster, answers } = this.#parts;
    const onAllMachines = () => [this.here(userId, id), cluster?.forgetElsewhere(userId, id)];
    const ended = await Promise.allSettled(onAllMachines());
    const erased = await Promise.allSettled([answers?.forget(userId, id), cluster?.erase(userId, id)]);
    const swept = await Promise.allSettled(onAllMachines());
    for (const each of [...ended, ...erased, ...swept]) if (each.status === 'rejected') throw each.reason;
  }

  /** The latest run of that id, as far as it is known. Only who watches would be told of it. */
  async epochOf(userId: string, id: string): Promise<string | undefined> {
    const { registry, cluster, answers } = this.#parts;
    const here = registry.find(userId, id)?.epoch;
    if (here !== undefined) return here;
    const [listed, kept] = await Promise.all([
      cluster?.listed(userId).catch(() => undefined),
      answers?.find(userId, id).catch(() => undefined),
    ]);
    return listed?.find((stream) => stream.id === id)?.epoch ?? kept?.epoch;
  }

  /** The same of what this machine holds. What it owns is erased from what machines share by then. */
  async here(userId: string, id?: string): Promise<void> {
    const { registry, cluster, kept } = this.#parts;
    kept?.forget(userId, id);
    cluster?.forgetOpening(userId, id);
    const runs = [...registry.runsOf(userId)].filter((run) => id === undefined || run.id === id);
    await Promise.all(runs.map((run) => this.#forget(run)));
  }

  async #forget(run: RunView): Promise<void> {
    const { registry, cluster } = this.#parts;
    if (run instanceof KeptRun) run.forgotten();
    run.abort('cancelled');
    await this.#ended(run);
    registry.forget(run);
    if (!run.isRemote && !(run instanceof KeptRun)) await cluster?.erase(run.userId, run.id);
  }

  /** Also where it was refused before it began, or cannot be read on. */
  async #ended(run: RunView): Promise<void> {
    const { registry } = this.#parts;
    await new Promise<void>((resolve) => {
      const waiter: EndingWaiter = new EndingWaiter(run, () => {
        registry.leave(run, waiter);
        resolve();
      });
      registry.join(run, waiter);
      waiter.wake();
    });
  }
}
