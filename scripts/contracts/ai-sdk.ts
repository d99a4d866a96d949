/** What is said at the routes of the AI SDK as schemas: `src/ai-sdk/` reads and writes it, and has its types. */
import * as z from 'zod';
import { MAX_CHAT_ID } from '../../src/ai-sdk/chat-request.ts';
import type { AnswerError, AnswerMetadata, UiMessageChunk } from '../../src/ai-sdk/chunks.ts';
import { requestShape } from '../../src/protocol/client-frame-schemas.ts';
import { agreed } from './agreed.ts';
import { walked } from './client-frames.ts';
import { count, errorCode, ms, quotaState, refusal, text, timing, usage } from './server-frames.ts';

const answerError = agreed<AnswerError>()(
  z.strictObject({
    code: errorCode,
    message: text,
    retryable: z.boolean(),
    retryAfterMs: ms.exactOptional(),
    requestId: text.exactOptional(),
  }),
);

export const answerMetadata = agreed<AnswerMetadata>()(
  z.strictObject({
    streamId: text.exactOptional(),
    epoch: text.exactOptional(),
    model: text.exactOptional(),
    warning: quotaState.exactOptional(),
    ending: z.enum(['done', 'cancelled', 'error']).exactOptional(),
    stopReason: text.nullable().exactOptional(),
    refusal: refusal.exactOptional(),
    textLength: count.exactOptional(),
    usage: usage.exactOptional(),
    timing: timing.exactOptional(),
    error: answerError.exactOptional(),
  }),
);

const messageMetadata = answerMetadata;
const nothing = z.record(z.string(), z.never());
const ofTool = { toolCallId: text, providerExecuted: z.literal(true), dynamic: z.literal(true) };
const part = <Type extends string>(type: Type) => z.strictObject({ type: z.literal(type), id: text });
const delta = <Type extends string>(type: Type) => part(type).extend({ delta: text });
const mark = <Type extends string>(type: Type) => z.strictObject({ type: z.literal(type) });

export const uiMessageChunk = agreed<UiMessageChunk>()(
  z.discriminatedUnion('type', [
    mark('start').extend({ messageId: text, messageMetadata }),
    mark('start-step'),
    part('reasoning-start'),
    delta('reasoning-delta'),
    part('reasoning-end'),
    part('text-start'),
    delta('text-delta'),
    part('text-end'),
    mark('tool-input-available').extend({
      ...ofTool,
      toolName: text,
      input: nothing,
      title: text.exactOptional(),
    }),
    mark('tool-output-available').extend({ ...ofTool, output: nothing }),
    mark('tool-output-error').extend({ ...ofTool, errorText: text }),
    mark('finish-step'),
    mark('message-metadata').extend({ messageMetadata }),
    mark('finish').extend({
      finishReason: z.enum(['stop', 'length', 'content-filter', 'tool-calls', 'error', 'other']),
      messageMetadata,
    }),
    mark('error').extend({ errorText: text }),
  ]),
);

const chatId = z.string().min(1).max(MAX_CHAT_ID);
const requestId = z.string().min(1).max(128);
/** The library's own: which parts of them are read says PROTOCOL.md. */
const uiMessages = z.array(z.looseObject({ role: z.string() })).min(1);
const trigger = z.enum(['submit-message', 'regenerate-message']).optional();
/** What the app adds by `body`. */
const { messages: _, events: __, ...ofStart } = { ...requestShape, ...walked };

/** The body of `POST /v1/ai-sdk/chat`. */
export const chatBody = z.strictObject({
  id: chatId,
  messages: uiMessages,
  trigger,
  messageId: z.string().optional(),
  ...ofStart,
});

const headers = z.record(z.string(), z.string()).optional();

/** By type. */
export const CHAT_CLIENT_FRAMES = {
  send: z.looseObject({
    type: z.literal('send'),
    requestId,
    id: chatId,
    messages: uiMessages,
    trigger,
    body: z.strictObject(ofStart),
    headers,
  }),
  resume: z.looseObject({
    type: z.literal('resume'),
    requestId,
    id: chatId,
    lastSequence: z.number().int().nonnegative().optional(),
    body: z.looseObject({}).optional(),
    headers,
  }),
  abort: z.looseObject({ type: z.literal('abort'), requestId }),
} as const;

/** By type. */
export const CHAT_RELAY_FRAMES = {
  start: z.strictObject({ type: z.literal('start'), requestId }),
  chunk: z.strictObject({ type: z.literal('chunk'), requestId, sequence: count, chunk: uiMessageChunk }),
  end: z.strictObject({ type: z.literal('end'), requestId }),
  error: z.strictObject({ type: z.literal('error'), requestId, errorText: text }),
  'no-active': z.strictObject({ type: z.literal('no-active'), requestId }),
} as const;
