/** One HTTP exchange of the doctor, with when it was sent and answered. */

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
