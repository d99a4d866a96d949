/**
 * The doors without WebSockets: the same runs from the same log, as server-sent events or as one JSON object.
 * POST /v1/chat, GET and DELETE /v1/streams/:id. PROTOCOL.md has their shapes.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Authenticator, Principal } from '../auth/port.ts';
import { parseHttpRequest } from '../protocol/parse-client-frame.ts';
import type { Relay } from '../relay/relay.ts';
import type { Clock } from '../time/clock.ts';
import { endingError, errorBody, errorHeaders } from './error-response.ts';
import { EventStreams, positionOf } from './event-stream.ts';
import { requestPrincipal } from './request-principal.ts';
import { callerOf, wantsEvents } from './request-refusal.ts';
import { type WholeAnswer, wholeAnswer } from './whole-answer.ts';

export interface ChatParts {
  readonly relay: Pick<Relay, 'start' | 'resume' | 'cancel'>;
  readonly authenticator: Authenticator;
  readonly clock: Clock;
}

type StreamParams = { Params: { id: string } };

export function chatRoutes(app: FastifyInstance, { relay, authenticator, clock }: ChatParts): void {
  const eventStreams = new EventStreams(clock);
  const principalOf = (request: FastifyRequest): Promise<Principal> =>
    requestPrincipal(request, authenticator, clock);

  app.post('/v1/chat', async (request, reply) => {
    const principal = await principalOf(request);
    const command = { principal, caller: callerOf(request), ...parseHttpRequest(request.body) };
    if (wantsEvents(request)) return await eventStreams.serve(reply, (sink) => relay.start(command, sink));
    const answer = await wholeAnswer(reply, (sink) => relay.start(command, sink));
    return sendAnswer(reply, request.id, answer);
  });

  app.get<StreamParams>('/v1/streams/:id', async (request, reply) => {
    const { userId } = await principalOf(request);
    const caller = callerOf(request);
    const position = { userId, id: request.params.id, caller, ...positionOf(lastEventId(request)) };
    await eventStreams.serve(reply, (sink) => relay.resume(position, sink));
  });

  app.delete<StreamParams>('/v1/streams/:id', async (request) => {
    const { userId } = await principalOf(request);
    return await relay.cancel(userId, request.params.id, callerOf(request));
  });
}

/** `done` as the answer, `cancelled` as what there is of it, `error` with its status and what there is. */
function sendAnswer(reply: FastifyReply, requestId: string, { ending, content }: WholeAnswer): FastifyReply {
  if (ending.type === 'error') {
    const error = endingError(ending);
    return reply
      .code(error.status)
      .headers(errorHeaders(error))
      .send({ ...errorBody(error, requestId), content });
  }
  const { id, usage, timing } = ending;
  const stopReason = ending.type === 'done' ? ending.stopReason : 'cancelled';
  return reply.send({
    id,
    content,
    stopReason,
    ...(ending.type === 'done' ? { model: ending.model } : {}),
    usage,
    timing,
  });
}

function lastEventId({ headers }: FastifyRequest): string | undefined {
  const value = headers['last-event-id'];
  return Array.isArray(value) ? value.join() : value;
}
