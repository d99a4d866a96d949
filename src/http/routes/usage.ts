/** `GET /v1/usage`: the caller's own quotas of this day and month: what is used, reserved, and left. */
import type { FastifyInstance } from 'fastify';
import type { Principal } from '../../auth/port.ts';
import { principalOf } from '../admission/request-guard.ts';

export interface UsageRouteParts {
  /** An object to be sent as JSON. */
  readonly usageOf: (principal: Principal) => Promise<object>;
}

export function usageRoute(app: FastifyInstance, { usageOf }: UsageRouteParts): void {
  app.get('/v1/usage', { config: { access: 'token' } }, (request) => usageOf(principalOf(request)));
}
