import type { FastifyRequest } from 'fastify';
import type { Authenticator, Principal } from '../auth/port.ts';
import type { Clock } from '../time/clock.ts';
import { headerToken, tokenMissing } from './header-token.ts';
import { verifyInTime } from './verify-in-time.ts';

/**
 * Who asks, at every HTTP route that needs to know.
 * @throws RelayError `unauthorized`, `forbidden`, `unavailable` or `bad_request`
 */
export async function requestPrincipal(
  request: FastifyRequest,
  authenticator: Authenticator,
  clock: Clock,
): Promise<Principal> {
  const token = headerToken(request.raw);
  if (token === undefined) throw tokenMissing();
  const principal = await verifyInTime(authenticator, token, clock);
  request.userId = principal.userId;
  return principal;
}
