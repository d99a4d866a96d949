/**
 * Erases streams of a user for good. What runs is stopped first, so that whoever reads it is told the ending; what had its
 * ending stays until its last reader has it, and nobody finds it any more.
 *
 *   ended and erased on each machine ──► erased from what they share ──► once more: what was read meanwhile leaves memory
 */
import type { KeptAnswers } from '../answers/port.ts';
import type { RunEvents } from '../webhooks/port.ts';
import { KeptRun } from './kept-run.ts';
import type { KeptRuns } from './kept-runs.ts';
import type { Cluster, Forgotten } from './port.ts';
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
  /** Absent where the operator has no webhook. */
  readonly events: RunEvents | undefined;
}

export class Forgetting {
  readonly #parts: ForgettingParts;

  constructor(parts: ForgettingParts) {
    this.#parts = parts;
    parts.cluster?.onForget((streams) => this.here(streams));
  }

  /**
   * Resolves once the stream of that id, or each of the user's, is gone from every place. Where one cannot be reached, it is
   * gone from the others all the same.
   * @throws RelayError unavailable where it may still be somewhere: to be asked again
   */
  async everywhere(userId: string, id?: string): Promise<void> {
    const { cluster } = this.#parts;
    const onAllMachines = (of: Forgotten['of']) => {
      const streams = { userId, id, of };
      return Promise.allSettled([this.here(streams), cluster?.forgetElsewhere(streams)]);
    };
    const erased = await onAllMachines('all');
    const shared = await Promise.allSettled([cluster?.erase(userId, id)]);
    const swept = await onAllMachines('memory');
    for (const each of [...erased, ...shared, ...swept]) if (each.status === 'rejected') throw each.reason;
  }

  /** Of the latest run of that id: who watches is told of it. To be asked before it is erased. */
  async epochOf(userId: string, id: string): Promise<string | undefined> {
    const { registry, cluster, answers } = this.#parts;
    const here = registry.find(userId, id)?.epoch;
    if (here !== undefined) return here;
    const kept = answers?.find(userId, id).catch(() => undefined);
    return (await cluster?.epochOf(userId, id)) ?? (await kept)?.epoch;
  }

  /** The same of what this machine has. What it owns is erased from what machines share by then. */
  async here({ userId, id, of }: Forgotten): Promise<void> {
    const { registry, cluster, kept, answers, events } = this.#parts;
    kept?.forget(userId, id);
    cluster?.forgetOpening(userId, id);
    const runs = [...registry.runsOf(userId)].filter((run) => id === undefined || run.id === id);
    const forgotten = await Promise.allSettled(runs.map((run) => this.#forget(run)));
    await events?.forgetText(userId, id); // their endings may have brought some
    if (of === 'all') await answers?.forget(userId, id);
    for (const each of forgotten) if (each.status === 'rejected') throw each.reason;
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
