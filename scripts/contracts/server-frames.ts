/**
 * Frames of the relay, and what is within them, as schemas. `src/protocol/frames.ts` has them as types, which the code is held
 * to: each schema is checked against its type.
 */
import * as z from 'zod';
import { epoch, streamId } from '../../src/protocol/client-frame-schemas.ts';
import { ERROR_NAMES } from '../../src/protocol/codes.ts';
import type * as frames from '../../src/protocol/frames.ts';
import { agreed } from './agreed.ts';

export const count = z.number().int().nonnegative();
export const positive = z.number().int().positive();
/** Durations are measured, and need be no whole numbers. */
export const ms = z.number().nonnegative();
/** Unix ms. */
export const time = z.number().int().positive();
export const text = z.string().min(1);
const liveOrEnded = z.enum(['live', 'ended']);
const endings = z.enum(['done', 'cancelled', 'error']);

export const errorCode = z.enum(ERROR_NAMES);

export const usage = agreed<frames.Usage>()(
  z.strictObject({
    inputTokens: count,
    outputTokens: count,
    cacheReadTokens: count,
    cacheWriteTokens: count,
    thinkingTokens: count.exactOptional(),
    source: z.enum(['final', 'estimated', 'input_only', 'none']),
    costUsd: ms.exactOptional(),
  }),
);

export const timing = agreed<frames.Timing>()(
  z.strictObject({
    firstTokenMs: ms.nullable(),
    totalMs: ms,
    chunks: count,
    bytes: count,
    upstreamClosedMs: ms.exactOptional(),
  }),
);

export const quotaState = agreed<frames.QuotaState>()(
  z.strictObject({
    of: z.enum(['requests', 'tokens']),
    scope: z.enum(['user', 'organization']),
    period: z.enum(['day', 'month']),
    used: count,
    limit: count,
    resetsAt: time,
  }),
);

export const refusal = agreed<frames.Refusal>()(
  z.strictObject({ category: text.nullable(), partial: z.boolean() }),
);

const listed = {
  id: streamId,
  epoch,
  action: text,
  model: text,
  state: liveOrEnded,
  head: count,
  startedAt: time,
  endedAt: time.exactOptional(),
  textLength: count,
  ending: endings.exactOptional(),
  code: errorCode.exactOptional(),
};
export const listedStream = agreed<frames.ListedStream>()(z.strictObject(listed));

const receipt = { id: streamId, seq: count, textLength: count, usage, timing };

/** By type. */
export const SERVER_FRAMES = {
  hello: agreed<frames.HelloFrame>()(
    z.strictObject({
      type: z.literal('hello'),
      version: text,
      connectionId: text,
      userId: text,
      tokenExpiresAt: time,
      heartbeatMs: positive,
      resumeWindowMs: positive,
      keepsAnswers: z.literal(true).exactOptional(),
      limits: z.strictObject({ streams: positive, frameBytes: positive, framesPerMinute: positive }),
    }),
  ),
  accepted: agreed<frames.AcceptedFrame>()(
    z.strictObject({
      type: z.literal('accepted'),
      id: streamId,
      epoch,
      model: text,
      warning: quotaState.exactOptional(),
    }),
  ),
  chunk: agreed<frames.ChunkFrame>()(
    z.strictObject({
      type: z.literal('chunk'),
      id: streamId,
      seq: positive,
      count: z.number().int().min(2).exactOptional(),
      content: text,
    }),
  ),
  event: agreed<frames.EventFrame>()(
    z.strictObject({ type: z.literal('event'), id: streamId, seq: positive, event: z.unknown() }),
  ),
  thinking: agreed<frames.ThinkingFrame>()(
    z.strictObject({ type: z.literal('thinking'), id: streamId, content: text.exactOptional() }),
  ),
  tool: agreed<frames.ToolFrame>()(
    z.strictObject({
      type: z.literal('tool'),
      id: streamId,
      call: positive,
      name: text,
      label: text.exactOptional(),
      state: z.enum(['running', 'done', 'failed']),
    }),
  ),
  resumed: agreed<frames.ResumedFrame>()(
    z.strictObject({
      type: z.literal('resumed'),
      id: streamId,
      epoch,
      after: count,
      head: count,
      model: text,
      state: liveOrEnded,
    }),
  ),
  done: agreed<frames.DoneFrame>()(
    z.strictObject({
      type: z.literal('done'),
      ...receipt,
      stopReason: text.nullable(),
      refusal: refusal.exactOptional(),
      model: text,
    }),
  ),
  cancelled: agreed<frames.CancelledFrame>()(z.strictObject({ type: z.literal('cancelled'), ...receipt })),
  error: agreed<frames.ErrorFrame>()(
    z.strictObject({
      type: z.literal('error'),
      id: streamId.exactOptional(),
      of: z.enum(['start', 'resume', 'cancel', 'ack']).exactOptional(),
      seq: count.exactOptional(),
      code: errorCode,
      message: text,
      retryable: z.boolean(),
      retryAfterMs: ms.exactOptional(),
      requestId: text.exactOptional(),
      usage: usage.exactOptional(),
      used: count.exactOptional(),
      limit: positive.exactOptional(),
      resetsAt: time.exactOptional(),
      reason: z.literal('switched_off').exactOptional(),
    }),
  ),
  streams: agreed<frames.StreamsFrame>()(
    z.strictObject({
      type: z.literal('streams'),
      streams: z.array(listedStream),
      next: text.exactOptional(),
      incomplete: z.literal(true).exactOptional(),
    }),
  ),
  stream: agreed<frames.StreamFrame>()(
    z.strictObject({
      type: z.literal('stream'),
      id: streamId,
      epoch,
      state: z.enum(['live', 'ended', 'erased']),
      action: text.exactOptional(),
      model: text.exactOptional(),
      head: count.exactOptional(),
      startedAt: time.exactOptional(),
      endedAt: time.exactOptional(),
      textLength: count.exactOptional(),
      ending: endings.exactOptional(),
      code: errorCode.exactOptional(),
    }),
  ),
  authenticated: agreed<frames.AuthenticatedFrame>()(
    z.strictObject({ type: z.literal('authenticated'), tokenExpiresAt: time }),
  ),
  token_expiring: agreed<frames.TokenExpiringFrame>()(
    z.strictObject({ type: z.literal('token_expiring'), expiresInMs: ms }),
  ),
  going_away: agreed<frames.GoingAwayFrame>()(
    z.strictObject({
      type: z.literal('going_away'),
      reconnectAfterMs: ms,
      deadlineMs: ms,
      resume: z.enum(['elsewhere', 'here']),
    }),
  ),
  config: agreed<frames.ConfigFrame>()(
    z.strictObject({
      type: z.literal('config'),
      transport: z.enum(['websocket', 'sse', 'json']),
      pollAfterMs: ms,
      enabled: z.boolean(),
    }),
  ),
  pong: agreed<frames.PongFrame>()(
    z.strictObject({ type: z.literal('pong'), t: z.union([z.number(), z.string()]).exactOptional() }),
  ),
} as const satisfies Record<frames.ServerFrame['type'], z.ZodType>;
