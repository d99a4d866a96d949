/**
 * Reads by id, one statement at a time: who is asked for meanwhile goes with the next one, each id once. A crowd that comes
 * back at once costs a few statements, and not one for each of them.
 */
import { failureKind } from '../postgres/failure.ts';

const MOST_AT_ONCE = 500;

export interface BatchedReadsParts<Value> {
  /** Those that are there. */
  readonly read: (ids: readonly string[]) => Promise<ReadonlyMap<string, Value>>;
  /** The value of this one id cannot be read; the others can. */
  readonly onUnreadable: (cause: unknown) => void;
}

export class BatchedReads<Value> {
  readonly #parts: BatchedReadsParts<Value>;
  readonly #pending = new Map<string, PromiseWithResolvers<Value | null>>();
  #waiting: string[] = [];
  #reading = false;

  constructor(parts: BatchedReadsParts<Value>) {
    this.#parts = parts;
  }

  /** Null: there is none, or it cannot be read. Rejects where the statement failed for all. */
  load(id: string): Promise<Value | null> {
    const pending = this.#pending.get(id);
    if (pending !== undefined) return pending.promise;
    const added = Promise.withResolvers<Value | null>();
    // Whoever asked may not wait any more.
    added.promise.catch(() => {});
    this.#pending.set(id, added);
    this.#waiting.push(id);
    if (!this.#reading) void this.#readAll();
    return added.promise;
  }

  /** Never rejects. */
  async #readAll(): Promise<void> {
    this.#reading = true;
    while (this.#waiting.length > 0) {
      const ids = this.#waiting.slice(0, MOST_AT_ONCE);
      this.#waiting = this.#waiting.slice(MOST_AT_ONCE);
      await this.#read(ids);
    }
    this.#reading = false;
  }

  async #read(ids: readonly string[]): Promise<void> {
    try {
      const found = await this.#parts.read(ids);
      for (const id of ids) this.#take(id)?.resolve(found.get(id) ?? null);
    } catch (cause) {
      await this.#failed(ids, cause);
    }
  }

  /** Halved until the one that cannot be read is alone. */
  async #failed(ids: readonly string[], cause: unknown): Promise<void> {
    const [first = '', ...others] = ids;
    if (failureKind(cause) !== 'row') {
      for (const id of ids) this.#take(id)?.reject(cause);
    } else if (others.length > 0) {
      const half = ids.length >> 1;
      await this.#read(ids.slice(0, half));
      await this.#read(ids.slice(half));
    } else {
      this.#parts.onUnreadable(cause);
      this.#take(first)?.resolve(null);
    }
  }

  #take(id: string): PromiseWithResolvers<Value | null> | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    return pending;
  }
}
