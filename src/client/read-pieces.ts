import type { Run } from './run.ts';

/** Reads a stream from its beginning: an iterator is a cursor in its pieces of text, which grow meanwhile. */
export function readPieces(stream: Run, pieces: readonly string[]): AsyncIterator<string, undefined> {
  let next = 0;
  const change = (): Promise<void> =>
    new Promise((resolve) => {
      const unsubscribe = stream.subscribe(() => resolve(unsubscribe()));
    });
  return {
    async next() {
      const value = pieces[next];
      if (value !== undefined) {
        next += 1;
        return { value };
      }
      if (stream.phase === 'failed') await stream.final; // throws
      if (stream.ended) return { value, done: true };
      await change();
      return this.next();
    },
    async return() {
      void stream.cancel();
      return { value: undefined, done: true };
    },
  };
}
