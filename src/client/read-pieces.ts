import type { DashStream } from './answer.ts';

/** Reads a stream from its beginning: an iterator is a cursor in its pieces of text, which grow meanwhile. */
export function readPieces(stream: DashStream, pieces: readonly string[]): AsyncIterator<string, undefined> {
  let next = 0;
  const change = (): Promise<void> =>
    new Promise((resolve) => {
      const unsubscribe = stream.subscribe(() => {
        unsubscribe();
        resolve();
      });
    });
  return {
    async next() {
      const value = pieces[next];
      if (value !== undefined) {
        next += 1;
        return { value, done: false };
      }
      const { phase } = stream;
      if (phase === 'failed') await stream.final; // throws
      if (phase === 'done' || phase === 'cancelled' || phase === 'detached') return { value, done: true };
      await change();
      return this.next();
    },
    async return() {
      await stream.cancel().catch(() => {});
      return { value: undefined, done: true };
    },
  };
}
