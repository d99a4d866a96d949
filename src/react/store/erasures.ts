/**
 * Answers of conversations that a person deleted, until the relay has erased them from where it keeps answers. Which they are is kept
 * with the conversations: what a page could not have erased before it was closed, the next one has.
 */
import { DashError } from '../../client/dash-error.ts';
import type { DashClient } from '../../client/index.ts';

export class Erasures {
  readonly #client: Pick<DashClient, 'forget' | 'keepsAnswers'>;
  readonly #changed: () => void;
  #ids = new Set<string>();
  /** Another page may still say that they are left. */
  #erased = new Set<string>();
  #isErasing = false;

  /** @param changed those that are left are others now */
  constructor(client: Pick<DashClient, 'forget' | 'keepsAnswers'>, changed: () => void) {
    this.#client = client;
    this.#changed = changed;
  }

  /** Not erased yet, or not known to be: of its own, and of these. */
  left(others: readonly string[]): readonly string[] {
    return [...this.#ids, ...others.filter((id) => !this.#erased.has(id))];
  }

  /** Has the relay erase them, one after the other. Those that it cannot be asked about now stay, until there are more, or on the next page. */
  add(ids: readonly string[]): void {
    for (const id of ids) this.#ids.add(id);
    if (!this.#isErasing) void this.#erase();
  }

  /** They are of a user who has left. */
  leave(): void {
    this.#ids = new Set();
    this.#erased = new Set();
    this.#isErasing = false;
  }

  async #erase(): Promise<void> {
    const ids = this.#ids;
    this.#isErasing = true;
    for (const id of ids) {
      const isGone = this.#client.keepsAnswers === false || (await this.#isGone(id));
      if (ids !== this.#ids) return;
      if (!isGone) break;
      ids.delete(id);
      this.#erased.add(id);
      this.#changed();
    }
    this.#isErasing = false;
  }

  /** Also where the relay will never do it. */
  async #isGone(id: string): Promise<boolean> {
    try {
      await this.#client.forget(id);
      return true;
    } catch (error) {
      return error instanceof DashError && !error.retryable;
    }
  }
}
