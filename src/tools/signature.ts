/** How a tool knows that a call comes from this relay, and is of now: an HMAC over the time and the body. */
import { createHmac } from 'node:crypto';

export const TIMESTAMP_HEADER = 'x-dash-timestamp';
export const SIGNATURE_HEADER = 'x-dash-signature';

/** @param now Unix ms */
export function signedHeaders(secret: string, body: string, now: number): Record<string, string> {
  const timestamp = String(Math.floor(now / 1000));
  const signature = createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex');
  return { [TIMESTAMP_HEADER]: timestamp, [SIGNATURE_HEADER]: `v1=${signature}` };
}
