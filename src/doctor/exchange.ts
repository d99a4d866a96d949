/** One HTTP exchange of the doctor, with when it was sent and answered, and in a word why there was none. */

export interface Exchange {
  readonly response: Response;
  /** Unix ms. */
  readonly sentAt: number;
  readonly receivedAt: number;
}

/** Redirects are answers like any other. @throws Error of the network: `networkReason` has its word */
export async function exchange(url: string | URL, init: RequestInit): Promise<Exchange> {
  const sentAt = Date.now();
  const response = await fetch(url, { redirect: 'manual', ...init });
  return { response, sentAt, receivedAt: Date.now() };
}

/** A code such as `ECONNREFUSED`; it holds nothing of the address. */
export function networkReason(error: unknown): string {
  if (error instanceof AggregateError) return networkReason(error.errors[0]);
  if (!(error instanceof Error)) return 'no answer';
  if ('code' in error && typeof error.code === 'string') return error.code;
  return error.cause === undefined ? error.name : networkReason(error.cause);
}
