/** What is said at `POST /v1/ag-ui` as schemas: `src/ag-ui/` reads and writes it, and has its types. */
import * as z from 'zod';
import type {
  AgUiEvent,
  Beginning,
  Failure,
  OfMessage,
  Receipt,
  TokenUsage,
} from '../../src/ag-ui/events.ts';
import { requestShape } from '../../src/protocol/client-frame-schemas.ts';
import { agreed } from './agreed.ts';
import { walked } from './client-frames.ts';
import { count, errorCode, ms, quotaState, refusal, text, timing, usage } from './server-frames.ts';

const { parameters } = walked;
const { action, model, maxTokens, onDisconnect, notify } = requestShape;
const id = z.string().min(1).max(256);

/** The body: `RunAgentInput` of AG-UI, which has more fields that are not read. */
export const runAgentInput = z.looseObject({
  threadId: id,
  runId: id,
  messages: z.array(z.looseObject({ role: z.string() })),
  context: z.array(z.looseObject({ description: z.string(), value: z.string() })).optional(),
  forwardedProps: z.strictObject({ action, parameters, model, maxTokens, onDisconnect, notify }),
  tools: z.array(z.unknown()).max(0).optional(),
});

const ofRelay = <Value extends z.ZodType>(value: Value) => z.strictObject({ 'dash-relay': value });
const beginning = agreed<Beginning>()(
  z.strictObject({ streamId: text, epoch: text, model: text, warning: quotaState.exactOptional() }),
);
const receipt = agreed<Receipt>()(
  z.strictObject({
    stopReason: text.nullable(),
    refusal: refusal.exactOptional(),
    model: text,
    textLength: count,
    usage,
    timing,
  }),
);
const failure = agreed<Failure>()(
  z.strictObject({
    retryable: z.boolean(),
    retryAfterMs: ms.exactOptional(),
    requestId: text.exactOptional(),
    usage: usage.exactOptional(),
  }),
);
const beside = agreed<OfMessage>()(z.strictObject({ epoch: text, refusal: refusal.exactOptional() }));
const counts = agreed<TokenUsage>()(
  z.strictObject({
    model: text,
    inputTokens: count,
    outputTokens: count,
    totalTokens: count,
    reasoningTokens: count.exactOptional(),
    cachedInputTokens: count,
    cacheWriteInputTokens: count,
  }),
);

const of = <Type extends string>(type: Type) => z.strictObject({ type: z.literal(type) });
const ofMessage = <Type extends string>(type: Type) => of(type).extend({ messageId: text });

export const agUiEvent = agreed<AgUiEvent>()(
  z.discriminatedUnion('type', [
    of('RUN_STARTED').extend({
      threadId: id,
      runId: id,
      protocolVersion: z.literal('1.0'),
      metadata: ofRelay(beginning),
    }),
    ofMessage('REASONING_START'),
    ofMessage('REASONING_MESSAGE_START').extend({ role: z.literal('reasoning') }),
    ofMessage('REASONING_MESSAGE_CONTENT').extend({ delta: text }),
    ofMessage('REASONING_MESSAGE_END'),
    ofMessage('REASONING_END'),
    ofMessage('ACTIVITY_SNAPSHOT').extend({
      activityType: z.literal('tool'),
      content: z.strictObject({
        name: text,
        label: text.exactOptional(),
        state: z.enum(['running', 'done', 'failed']),
      }),
    }),
    ofMessage('TEXT_MESSAGE_START').extend({
      role: z.literal('assistant'),
      metadata: ofRelay(beside),
    }),
    ofMessage('TEXT_MESSAGE_CONTENT').extend({ delta: text }),
    ofMessage('TEXT_MESSAGE_END').extend({
      metadata: ofRelay(beside).exactOptional(),
    }),
    of('RUN_FINISHED').extend({
      threadId: id,
      runId: id,
      outcome: z.union([
        z.strictObject({ type: z.literal('success') }),
        z.strictObject({ type: z.literal('cancelled') }),
      ]),
      result: receipt.exactOptional(),
      usage: z.array(counts).exactOptional(),
      metadata: ofRelay(receipt),
    }),
    of('RUN_ERROR').extend({
      message: text,
      code: errorCode,
      usage: z.array(counts).exactOptional(),
      metadata: ofRelay(failure),
    }),
  ]),
);
