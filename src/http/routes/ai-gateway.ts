/**
 * `POST /functions/v1/ai-gateway`: the app's existing HTTP function, with its request and answer shapes, served by the
 * same runs. For clients that cannot move yet.
 */
import type { FastifyReply, RouteOptions } from 'fastify';
import type { Observer } from '../../observability/port.ts';
import { parseHttpRequest } from '../../protocol/parse-client-frame.ts';
import type { RelayError } from '../../protocol/relay-error.ts';
import type { Relay } from '../../relay/relay.ts';
import { principalOf } from '../admission/request-guard.ts';
import { callerOf } from '../admission/request-refusal.ts';
import { endingError, errorHeaders } from '../error-response.ts';
import { observedRefusal } from '../error-routes.ts';
import { wholeAnswer } from './whole-answer.ts';

export function aiGatewayHandlers(
  relay: Pick<Relay, 'start'>,
  observer: Observer,
): Pick<RouteOptions, 'handler' | 'errorHandler'> {
  const errorHandler: RouteOptions['errorHandler'] = (error, request, reply) =>
    sendGatewayError(reply, observedRefusal(error, request, observer));
  const handler: RouteOptions['handler'] = async (request, reply) => {
    const command = {
      principal: principalOf(request),
      caller: callerOf(request),
      ...parseHttpRequest(request.body),
    };
    const { ending, content } = await wholeAnswer(reply, (sink) => relay.start(command, sink));
    if (ending.type === 'error') return sendGatewayError(reply, endingError(ending));
    const { usage } = ending;
    return {
      content,
      usage: {
        input_tokens: usage.inputTokens,
        output_tokens: usage.outputTokens,
        cache_read_input_tokens: usage.cacheReadTokens,
        cache_creation_input_tokens: usage.cacheWriteTokens,
      },
      cost: usage.costUsd ?? null,
      stop_reason: ending.type === 'done' ? ending.stopReason : 'cancelled',
    };
  };
  return { handler, errorHandler };
}

function sendGatewayError(reply: FastifyReply, error: RelayError): FastifyReply {
  const body = { error: appCode(error), message: error.message, ...error.quota };
  return reply.code(error.status).headers(errorHeaders(error)).send(body);
}

/** The app knows this one by another name. */
function appCode({ code }: RelayError): string {
  return code === 'model_not_allowed' ? 'model_access_denied' : code;
}
