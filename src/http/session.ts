/**
 * `GET /v1/session`: who am I, and would I get a socket? A browser sees 1006 for every refused handshake and asks here
 * why; so it passes the same guards as one, and gives the seat back at once.
 */
import type { FastifyInstance } from 'fastify';
import type { Authenticator } from '../auth/port.ts';
import type { Clock } from '../time/clock.ts';
import type { Admission } from './admission.ts';
import type { ClientAddress } from './client-address.ts';
import { requestPrincipal } from './request-principal.ts';

export interface SessionParts {
  readonly authenticator: Authenticator;
  readonly admission: Admission;
  readonly clientAddress: ClientAddress;
  readonly clock: Clock;
}

export function sessionRoute(app: FastifyInstance, parts: SessionParts): void {
  const { admission, authenticator, clientAddress, clock } = parts;
  app.get('/v1/session', async ({ raw }) => {
    const seat = await admission.enter(clientAddress(raw));
    try {
      const principal = await requestPrincipal(raw, authenticator, clock);
      seat.claim(principal.userId);
      const { userId, tier, organizationId, anonymous, expiresAt } = principal;
      return { userId, tier, organizationId, anonymous, expiresAt };
    } finally {
      seat.release();
    }
  });
}
