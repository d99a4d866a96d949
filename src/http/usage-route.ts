/** `GET /v1/usage`: the caller's own quotas of this day and month: what is used, reserved, and left. */
import type { FastifyInstance } from 'fastify';
import type { Authenticator, Principal } from '../auth/port.ts';
import type { Clock } from '../time/clock.ts';
import { requestPrincipal } from './request-principal.ts';

export interface UsageRouteParts {
  readonly authenticator: Authenticator;
  readonly clock: Clock;
  /** An object to be sent as JSON. */
  readonly usageOf: (principal: Principal) => Promise<object>;
}

export function usageRoute(app: FastifyInstance, { authenticator, clock, usageOf }: UsageRouteParts): void {
  app.get('/v1/usage', async (request) => usageOf(await requestPrincipal(request, authenticator, clock)));
}
