/**
 * `GET /v1/session`: who am I, and would I get a socket? A browser sees 1006 for every refused handshake and asks here
 * why; so it passes the same guards as one, and gives the seat back at once.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Authenticator } from '../auth/port.ts';
import type { Clock } from '../time/clock.ts';
import type { Admission } from './admission.ts';
import type { ClientAddress } from './client-address.ts';
import { requestPrincipal } from './request-principal.ts';
import { requireAllowedOrigin } from './upgrade-request.ts';

export interface SessionParts {
  readonly authenticator: Authenticator;
  readonly admission: Admission;
  readonly clientAddress: ClientAddress;
  readonly allowedOrigins: ReadonlySet<string>;
  readonly clock: Clock;
}

export function sessionRoute(app: FastifyInstance, parts: SessionParts): void {
  const { admission, authenticator, clientAddress, allowedOrigins, clock } = parts;
  app.get('/v1/session', async (request, reply) => {
    const seat = await admission.enter(clientAddress(request.raw));
    try {
      if (isOfPage(request)) requireReadably(request, reply, allowedOrigins);
      const principal = await requestPrincipal(request, authenticator, clock);
      seat.claim(principal.userId);
      const { userId, tier, organizationId, anonymous, expiresAt } = principal;
      return { userId, tier, organizationId, anonymous, expiresAt };
    } finally {
      seat.release();
    }
  });
}

/** Only browsers send it, and no page can change it: React Native has no page, and its socket is not judged either. */
function isOfPage({ headers }: FastifyRequest): boolean {
  return headers['sec-fetch-site'] !== undefined;
}

/** The page of a foreign origin may read this refusal, and nothing else. */
function requireReadably(request: FastifyRequest, reply: FastifyReply, allowed: ReadonlySet<string>): void {
  try {
    requireAllowedOrigin(request.raw, allowed);
  } catch (refusal) {
    reply.header('access-control-allow-origin', request.headers.origin);
    throw refusal;
  }
}
