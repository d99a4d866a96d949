import { RelayError } from '../../src/protocol/relay-error.ts';

export interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly cause: unknown;
  readonly message: string;
  readonly retryAfterMs: number | undefined;
}

/** How a verification was refused, or 'admitted'. Anything but a RelayError fails the test. */
export async function refusalOf(verification: Promise<unknown>): Promise<Refusal | 'admitted'> {
  try {
    await verification;
    return 'admitted';
  } catch (error) {
    if (!(error instanceof RelayError)) throw error;
    const { status, code, cause, message, retryAfterMs } = error;
    return { status, code, cause, message, retryAfterMs };
  }
}
