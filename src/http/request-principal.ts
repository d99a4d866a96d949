import type { IncomingMessage } from 'node:http';
import type { Authenticator, Principal } from '../auth/port.ts';
import type { Clock } from '../time/clock.ts';
import { headerToken, tokenMissing } from './header-token.ts';
import { verifyInTime } from './verify-in-time.ts';

/**
 * Who asks, at every HTTP route that needs to know.
 * @throws RelayError `unauthorized`, `forbidden`, `unavailable` or `bad_request`
 */
export async function requestPrincipal(
  request: IncomingMessage,
  authenticator: Authenticator,
  clock: Clock,
): Promise<Principal> {
  const token = headerToken(request);
  if (token === undefined) throw tokenMissing();
  return verifyInTime(authenticator, token, clock);
}
