/** The ending of a run whose machine stopped, or was taken for dead by the others: the same words, whoever tells it. */
import type { EndingFrame } from './frames.ts';
import { RelayError } from './relay-error.ts';

export function interrupted(): RelayError {
  return new RelayError('interrupted', 'the server stopped before the answer ended; start again');
}

/** @param seq of the last delta that is left */
export function interruptedEnding(id: string, seq: number): EndingFrame {
  const { code, message, retryable } = interrupted();
  return { type: 'error', id, seq, code, message, retryable };
}
