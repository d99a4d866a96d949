/**
 * Callers without WebSockets: the same runs from the same log, as server-sent events or as one JSON object.
 * POST /v1/chat, GET and DELETE /v1/streams/:id, GET /v1/streams/:id/state, DELETE /v1/streams. PROTOCOL.md has their shapes.
 */
import type { FastifyReply, FastifyRequest, RouteHandlerMethod } from 'fastify';
import type { CancelledFrame, DoneFrame } from '../../protocol/frames.ts';
import { parseHttpRequest } from '../../protocol/parse-client-frame.ts';
import { RelayError } from '../../protocol/relay-error.ts';
import type { Relay } from '../../relay/relay.ts';
import type { Clock } from '../../time/clock.ts';
import { askerOf } from '../admission/asker.ts';
import { principalOf } from '../admission/request-guard.ts';
import { callerOf, wantsEvents } from '../admission/request-refusal.ts';
import { endingError, errorBody, errorHeaders } from '../error-response.ts';
import { EventStreams, positionOf } from './event-stream.ts';
import { type WholeAnswer, wholeAnswer } from './whole-answer.ts';

export type ChatRelay = Pick<Relay, 'start' | 'resume' | 'cancel' | 'stateOf' | 'forget'>;

export function chatHandlers(
  relay: ChatRelay,
  clock: Clock,
): Record<'start' | 'resume' | 'cancel' | 'state' | 'forgetAll', RouteHandlerMethod> {
  const eventStreams = new EventStreams(clock);
  const texts: AnswerTexts = new WeakMap();

  const start: RouteHandlerMethod = async (request, reply) => {
    const command = {
      ...askerOf(request),
      ...parseHttpRequest(request.body),
    };
    if (wantsEvents(request)) return await eventStreams.serve(reply, (sink) => relay.start(command, sink));
    const answer = await wholeAnswer(reply, (sink) => relay.start(command, sink));
    return sendAnswer(reply, request.id, answer, texts);
  };

  const resume: RouteHandlerMethod = async (request, reply) => {
    const { userId } = principalOf(request);
    const caller = callerOf(request);
    const position = { userId, id: streamIdOf(request), caller, ...positionOf(lastEventId(request)) };
    await eventStreams.serve(reply, (sink) => relay.resume(position, sink));
  };

  const cancel: RouteHandlerMethod = async (request, reply) => {
    const { userId } = principalOf(request);
    if (!isToBeForgotten(request)) return await relay.cancel(userId, streamIdOf(request), callerOf(request));
    await relay.forget(userId, streamIdOf(request));
    return reply.code(204).send();
  };

  const forgetAll: RouteHandlerMethod = async (request, reply) => {
    await relay.forget(principalOf(request).userId);
    return reply.code(204).send();
  };

  const state: RouteHandlerMethod = (request) =>
    relay.stateOf(principalOf(request).userId, streamIdOf(request));

  return { start, resume, cancel, state, forgetAll };
}

function streamIdOf({ params }: FastifyRequest): string {
  return (params as { readonly id: string }).id;
}

/** Who misspells it must not take what is only stopped for erased. @throws RelayError bad_request */
function isToBeForgotten({ query }: FastifyRequest): boolean {
  const { forget = 'false' } = query as Readonly<Record<string, unknown>>;
  if (forget !== 'true' && forget !== 'false') throw new RelayError('bad_request', 'forget: true or false');
  return forget === 'true';
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

const CANCELLED = { stopReason: 'cancelled', refusal: undefined };

function textOf(ending: DoneFrame | CancelledFrame, content: string): Buffer {
  const { id, usage, timing } = ending;
  const model = ending.type === 'done' ? { model: ending.model } : {};
  const { stopReason, refusal } = ending.type === 'done' ? ending : CANCELLED;
  return Buffer.from(JSON.stringify({ id, content, stopReason, refusal, ...model, usage, timing }));
}

function lastEventId({ headers }: FastifyRequest): string | undefined {
  const value = headers['last-event-id'];
  return Array.isArray(value) ? value.join() : value;
}
