/** Starts of which it is still asked whether they begin a run: what comes for the same stream waits until that is known. */
export class UndecidedStarts {
  /** By user and stream. None rejects. */
  readonly #starts = new Map<string, Promise<void>>();

  /** Resolves once the start of that stream is decided; undefined where none is under way. */
  of(userId: string, id: string): Promise<void> | undefined {
    return this.#starts.get(keyOf(userId, id));
  }

  /** To be called where none is under way. Rejects as `deciding` does. */
  add(userId: string, id: string, deciding: Promise<void>): Promise<void> {
    const key = keyOf(userId, id);
    const forget = (): void => void this.#starts.delete(key);
    this.#starts.set(key, deciding.then(forget, forget));
    return deciding;
  }
}

function keyOf(userId: string, id: string): string {
  return `${userId} ${id}`;
}
