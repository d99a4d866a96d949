/**
 * `GET /v1/session`: who am I, and would I get a socket? A browser sees 1006 for every refused handshake and asks here
 * why; so it passes the guards that one would meet now, or met a moment ago, and takes no lease.
 */
import type { FastifyReply, FastifyRequest, RouteHandlerMethod } from 'fastify';
import type { Admission } from '../admission/admission.ts';
import { principalOf } from '../admission/request-guard.ts';
import { requireAllowedOrigin } from '../websocket/upgrade-request.ts';

export interface SessionParts {
  readonly admission: Admission;
  readonly allowedOrigins: ReadonlySet<string>;
}

export interface SessionHandlers {
  readonly beforeToken: (request: FastifyRequest, reply: FastifyReply) => void;
  readonly handler: RouteHandlerMethod;
}

export function sessionHandlers({ admission, allowedOrigins }: SessionParts): SessionHandlers {
  return {
    beforeToken(request, reply) {
      if (isOfPage(request)) requireReadably(request, reply, allowedOrigins);
    },
    handler(request) {
      const { userId, tier, organizationId, anonymous, expiresAt } = principalOf(request);
      admission.explainHandshake(request.clientAddress, userId);
      return { userId, tier, organizationId, anonymous, expiresAt };
    },
  };
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
