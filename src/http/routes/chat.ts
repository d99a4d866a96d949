/**
 * The doors without WebSockets: the same runs from the same log, as server-sent events or as one JSON object.
 * POST /v1/chat, GET and DELETE /v1/streams/:id. PROTOCOL.md has their shapes.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { CancelledFrame, DoneFrame } from '../../protocol/frames.ts';
import { parseHttpRequest } from '../../protocol/parse-client-frame.ts';
import type { Relay } from '../../relay/relay.ts';
import type { Clock } from '../../time/clock.ts';
import { principalOf } from '../admission/request-guard.ts';
import { callerOf, wantsEvents } from '../admission/request-refusal.ts';
import { endingError, errorBody, errorHeaders } from '../error-response.ts';
import { EventStreams, positionOf } from './event-stream.ts';
import { type WholeAnswer, wholeAnswer } from './whole-answer.ts';

export interface ChatParts {
  readonly relay: Pick<Relay, 'start' | 'resume' | 'cancel'>;
  readonly clock: Clock;
}

const READER = { access: 'token', reads: true } as const;

type StreamParams = { Params: { id: string } };

export function chatRoutes(app: FastifyInstance, { relay, clock }: ChatParts): void {
  const eventStreams = new EventStreams(clock);
  const texts: AnswerTexts = new WeakMap();

  app.post('/v1/chat', { config: READER }, async (request, reply) => {
    const command = {
      principal: principalOf(request),
      caller: callerOf(request),
      ...parseHttpRequest(request.body),
    };
    if (wantsEvents(request)) return await eventStreams.serve(reply, (sink) => relay.start(command, sink));
    const answer = await wholeAnswer(reply, (sink) => relay.start(command, sink));
    return sendAnswer(reply, request.id, answer, texts);
  });

  app.get<StreamParams>('/v1/streams/:id', { config: READER }, async (request, reply) => {
    const { userId } = principalOf(request);
    const caller = callerOf(request);
    const position = { userId, id: request.params.id, caller, ...positionOf(lastEventId(request)) };
    await eventStreams.serve(reply, (sink) => relay.resume(position, sink));
  });

  app.delete<StreamParams>('/v1/streams/:id', { config: { access: 'token' } }, async (request) => {
    const { userId } = principalOf(request);
    return await relay.cancel(userId, request.params.id, callerOf(request));
  });
}

/** What each answer is as JSON: one text for all who waited for it. */
type AnswerTexts = WeakMap<WholeAnswer, Buffer>;

/** `done` as the answer, `cancelled` as what there is of it, `error` with its status and what there is. */
function sendAnswer(
  reply: FastifyReply,
  requestId: string,
  answer: WholeAnswer,
  texts: AnswerTexts,
): FastifyReply {
  const { ending, content } = answer;
  if (ending.type === 'error') {
    const error = endingError(ending);
    return reply
      .code(error.status)
      .headers(errorHeaders(error))
      .send({ ...errorBody(error, requestId), content });
  }
  const text = texts.get(answer) ?? textOf(ending, content);
  texts.set(answer, text);
  return reply.type('application/json; charset=utf-8').send(text);
}

function textOf(ending: DoneFrame | CancelledFrame, content: string): Buffer {
  const { id, usage, timing } = ending;
  const model = ending.type === 'done' ? { model: ending.model } : {};
  const stopReason = ending.type === 'done' ? ending.stopReason : 'cancelled';
  return Buffer.from(JSON.stringify({ id, content, stopReason, ...model, usage, timing }));
}

function lastEventId({ headers }: FastifyRequest): string | undefined {
  const value = headers['last-event-id'];
  return Array.isArray(value) ? value.join() : value;
}
