/**
 * `POST /functions/v1/ai-gateway`: the app's existing HTTP function, with its request and answer shapes, served by the
 * same runs. For clients that cannot move yet.
 */
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { Authenticator } from '../auth/port.ts';
import { parseHttpRequest } from '../protocol/parse-client-frame.ts';
import { RelayError } from '../protocol/relay-error.ts';
import type { Observer } from '../relay/port.ts';
import type { Relay } from '../relay/relay.ts';
import type { Clock } from '../time/clock.ts';
import { endingError, errorHeaders } from './error-response.ts';
import { requestPrincipal } from './request-principal.ts';
import { callerOf, observeRefusal } from './request-refusal.ts';
import { wholeAnswer } from './whole-answer.ts';

export interface AiGatewayParts {
  readonly relay: Pick<Relay, 'start'>;
  readonly authenticator: Authenticator;
  readonly clock: Clock;
  readonly observer: Observer;
}

export function aiGatewayRoute(
  app: FastifyInstance,
  { relay, authenticator, clock, observer }: AiGatewayParts,
): void {
  app.post('/functions/v1/ai-gateway', async (request, reply) => {
    try {
      const principal = await requestPrincipal(request, authenticator, clock);
      const command = { principal, caller: callerOf(request), ...parseHttpRequest(request.body) };
      const { ending, content } = await wholeAnswer(reply, (sink) => relay.start(command, sink));
      if (ending.type === 'error') return await sendGatewayError(reply, endingError(ending));
      const { usage } = ending;
      return await reply.send({
        content,
        usage: {
          input_tokens: usage.inputTokens,
          output_tokens: usage.outputTokens,
          cache_read_input_tokens: usage.cacheReadTokens,
          cache_creation_input_tokens: usage.cacheWriteTokens,
        },
        cost: usage.costUsd ?? null,
        stop_reason: ending.type === 'done' ? ending.stopReason : 'cancelled',
      });
    } catch (cause) {
      const error = RelayError.from(cause);
      observeRefusal(observer, request, error);
      return await sendGatewayError(reply, error);
    }
  });
}

function sendGatewayError(reply: FastifyReply, error: RelayError): FastifyReply {
  const body = { error: appCode(error), message: error.message, ...error.quota };
  return reply.code(error.status).headers(errorHeaders(error)).send(body);
}

/** The app knows this one by another name. */
function appCode({ code }: RelayError): string {
  return code === 'model_not_allowed' ? 'model_access_denied' : code;
}
