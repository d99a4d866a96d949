/** Who asks, as every start by HTTP says it. */
import type { FastifyRequest } from 'fastify';
import type { StartCommand } from '../../run/starter.ts';
import { principalOf } from './request-guard.ts';
import { callerOf } from './request-refusal.ts';
import { traceparentOf } from './traceparent.ts';

/** Of a request that the guard let in. */
export function askerOf(request: FastifyRequest): Pick<StartCommand, 'principal' | 'caller' | 'traceparent'> {
  return {
    principal: principalOf(request),
    caller: callerOf(request),
    traceparent: traceparentOf(request.raw),
  };
}
