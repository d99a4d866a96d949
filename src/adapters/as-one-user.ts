/** What an adapter waits for before it can ask: ended by the library's stop, and where the user changes. */
import type { DashClient } from '../client/create-dash-client.ts';
import { DashError, failure } from '../client/dash-error.ts';

/**
 * What is sent ahead of a question takes a while: who is signed in at its end may not be who asked.
 * @throws DashError `detached` where the user changes, or the signal's reason
 */
export async function asOneUser<T>(
  client: Pick<DashClient, 'onUser'>,
  signal: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const both = new AbortController();
  const abort = (): void => both.abort(signal?.reason);
  let asker: string | null | undefined;
  const stopListening = client.onUser((userId, signedOut) => {
    if (signedOut || (asker !== undefined && userId !== asker))
      both.abort(new DashError(failure('detached')));
    asker = userId;
  });
  signal?.addEventListener('abort', abort);
  if (signal?.aborted) abort();
  try {
    return await untilAborted(work(both.signal), both.signal);
  } finally {
    signal?.removeEventListener('abort', abort);
    stopListening();
  }
}

/** The library's stop waits for what is under way here: it is let go at once. */
export async function untilAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return await work;
  let aborted: () => void = () => {};
  const promise = new Promise<never>((_, reject) => {
    aborted = () => reject(signal.reason);
  });
  signal.addEventListener('abort', aborted);
  if (signal.aborted) aborted();
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener('abort', aborted);
  }
}
