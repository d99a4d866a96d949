/**
 * Callers of the AI SDK without WebSockets (`DefaultChatTransport`): the same runs from the same log, as its UI message stream.
 * POST /v1/ai-sdk/chat, GET and DELETE /v1/ai-sdk/chat/:id/stream. PROTOCOL.md has their shapes.
 */
import type { FastifyRequest, RouteHandlerMethod } from 'fastify';
import { chatIdOf, readChatBody } from '../../ai-sdk/chat-request.ts';
import type { EndingFrame, ThinkingFrame, ToolFrame } from '../../protocol/frames.ts';
import { parseHttpRequest } from '../../protocol/parse-client-frame.ts';
import { RelayError } from '../../protocol/relay-error.ts';
import { decodeFrame, type WireText } from '../../protocol/wire-text.ts';
import type { Relay } from '../../relay/relay.ts';
import type { StreamReference } from '../../relay/stream-list.ts';
import type { RunView } from '../../run/run-view.ts';
import type { Clock } from '../../time/clock.ts';
import { askerOf } from '../admission/asker.ts';
import { principalOf } from '../admission/request-guard.ts';
import { callerOf } from '../admission/request-refusal.ts';
import { type EventFraming, EventStreams } from '../routes/event-stream.ts';
import { AnswerChunks } from './answer-chunks.ts';
import { type ChatStreams, streamIdFor } from './chat-streams.ts';

export interface ChatRouteParts {
  readonly relay: Pick<Relay, 'start' | 'resume'>;
  readonly chats: ChatStreams;
  readonly clock: Clock;
}

export function chatHandlers({
  relay,
  chats,
  clock,
}: ChatRouteParts): Record<'start' | 'resume' | 'cancel', RouteHandlerMethod> {
  const eventStreams = new EventStreams(clock);

  /** Its response may prove, by a later request of its connection, that it was read. */
  const eventsFor = (request: FastifyRequest): ChatEvents => {
    const { raw } = request;
    const { userId } = principalOf(request);
    chats.read.asked(raw, userId);
    return new ChatEvents(({ epoch }) => chats.read.written(raw, userId, epoch));
  };

  const start: RouteHandlerMethod = async (request, reply) => {
    const events = eventsFor(request);
    const { chatId, request: fields } = readChatBody(request.body);
    const command = {
      ...askerOf(request),
      id: streamIdFor(chatId),
      isFresh: true,
      request: parseHttpRequest(fields).request,
    };
    await eventStreams.serve(reply, (sink) => relay.start(command, sink), events);
  };

  const resume: RouteHandlerMethod = async (request, reply) => {
    const events = eventsFor(request);
    const { userId } = principalOf(request);
    const stream = await chats.active(userId, chatOf(request));
    if (stream === undefined) return reply.code(204).send();
    const { id, epoch } = stream;
    const position = { userId, id, epoch, after: 0, caller: callerOf(request) };
    try {
      await eventStreams.serve(reply, (sink) => relay.resume(position, sink), events);
    } catch (error) {
      if (!isGone(error)) throw error;
      return reply.code(204).send();
    }
  };

  const cancel: RouteHandlerMethod = async (request, reply) => {
    const { userId } = principalOf(request);
    const live = await chats.live(userId, chatOf(request));
    const endings = await Promise.all(live.map((stream) => cancelled(userId, stream, request)));
    return endings.find((ending) => ending !== undefined) ?? reply.code(204).send();
  };

  /** Undefined where it went meanwhile. */
  const cancelled = async (
    userId: string,
    stream: StreamReference,
    request: FastifyRequest,
  ): Promise<EndingFrame | undefined> => {
    try {
      return await chats.cancel(userId, stream, callerOf(request));
    } catch (error) {
      if (!isGone(error)) throw error;
      return undefined;
    }
  };

  return { start, resume, cancel };
}

function chatOf({ params }: FastifyRequest): string {
  return chatIdOf((params as { readonly id: string }).id);
}

/** It was there when it was looked for. */
function isGone(error: unknown): boolean {
  return error instanceof RelayError && error.code === 'unknown_stream';
}

/** A UI message stream, as the library's own servers write it. */
class ChatEvents implements EventFraming {
  readonly cutsErrors = false;
  readonly headers = { 'x-vercel-ai-ui-message-stream': 'v1' };
  readonly #left: (run: RunView) => void;
  #chunks = new AnswerChunks('');

  constructor(left: (run: RunView) => void) {
    this.#left = left;
  }

  opened(run: RunView): string {
    this.#chunks = new AnswerChunks(run.id);
    return events(this.#chunks.opened(run.acceptedFrame));
  }

  frame(type: 'chunk' | 'event' | 'thinking' | 'tool', _seq: number, wire: WireText): string {
    if (type === 'chunk') return events(this.#chunks.text(wire));
    return type === 'event'
      ? ''
      : events(this.#chunks.meanwhile(decodeFrame<ThinkingFrame | ToolFrame>(wire)));
  }

  ended(frame: EndingFrame): string {
    return `${events(this.#chunks.ended(frame))}${DONE}`;
  }

  failed(error: RelayError): string {
    return `${events(this.#chunks.failed(error))}${DONE}`;
  }

  left(run: RunView | undefined): void {
    if (run !== undefined) this.#left(run);
  }
}

const DONE = 'data: [DONE]\n\n';

function events(chunks: readonly WireText[]): string {
  let text = '';
  for (const chunk of chunks) text += `data: ${chunk}\n\n`;
  return text;
}
