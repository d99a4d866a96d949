/** One free question to the API: does it take the key? Only a clear answer counts; a gateway may not know the route. */
import type Anthropic from '@anthropic-ai/sdk';
import type { Clock } from '../time/clock.ts';
import type { AccountFailure } from './account.ts';
import { errorNames, requestIdOf } from './api-names.ts';
import { parsedBody, plainRequest } from './plain-request.ts';
import type { Transport } from './transport/transport.ts';

export type AccountVerdict =
  | { readonly kind: 'accepted' | 'unclear' }
  | { readonly kind: 'refused'; readonly failure: AccountFailure };

const REFUSALS: ReadonlySet<number> = new Set([401, 402, 403]);
const TIMEOUT_MS = 10_000;
const MAX_BYTES = 64 * 1024;

/** Resolves with what the API says of the key, or within ten seconds with `unclear`. Never rejects. */
export async function checkAccount(
  client: Anthropic,
  transport: Transport,
  clock: Clock,
): Promise<AccountVerdict> {
  const limits = { maxBytes: MAX_BYTES, timeoutMs: TIMEOUT_MS };
  const { status, headers, text } = await plainRequest({ transport, clock, ...limits }, (fetchOptions) =>
    client.models.list({ limit: 1 }, { fetchOptions }),
  );
  if (status >= 200 && status < 300) return { kind: 'accepted' };
  if (!REFUSALS.has(status)) return { kind: 'unclear' };
  const { type, errorCode, ...names } = errorNames(parsedBody(text));
  const upstreamRequestId = requestIdOf(headers['request-id']) ?? names.upstreamRequestId;
  return {
    kind: 'refused',
    failure: { status, type, errorCode, upstreamRequestId },
  };
}
