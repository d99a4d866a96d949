/**
 * Which pages may read the answers: those of the allowed origins. Any page may read why `GET /v1/session` refuses it,
 * so that a page that nobody listed ends with a reason instead of trying for ever.
 */
import cors from '@fastify/cors';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { foreignOrigin } from '../websocket/upgrade-request.ts';

/** What supabase-js sends to functions beside the token. */
const OF_SUPABASE = ['apikey', 'x-client-info', 'x-supabase-api-version', 'x-region'];

const OPTIONS = {
  methods: ['GET', 'POST', 'DELETE'],
  allowedHeaders: ['authorization', 'content-type', 'idempotency-key', 'last-event-id', ...OF_SUPABASE],
  exposedHeaders: ['retry-after', 'x-request-id', 'x-vercel-ai-ui-message-stream'],
  maxAge: 600,
  strictPreflight: false,
};

type Answer = (error: Error | null, options: object) => void;

/** Others get no allow header, so their browsers refuse; their preflights are refusals, which the log names. */
export function allowOrigins(app: FastifyInstance, allowed: ReadonlySet<string>): void {
  app.register(cors, () => (request: FastifyRequest, answer: Answer) => {
    const { origin } = request.headers;
    const isAllowed = origin !== undefined && allowed.has(origin);
    const mayAskWhy = isPreflight(request) && request.url === '/v1/session';
    if (isPreflight(request) && !isAllowed && !mayAskWhy) return answer(foreignOrigin(), {});
    // Decided for each request, because a list would still send a foreign preflight the headers that name methods.
    return answer(null, { ...OPTIONS, origin: isAllowed || mayAskWhy });
  });
}

function isPreflight({ method, headers }: FastifyRequest): boolean {
  return method === 'OPTIONS' && headers['access-control-request-method'] !== undefined;
}
