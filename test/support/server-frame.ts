/** Every frame of the relay as PROTOCOL.md has it, and nothing else: a field or a value it does not name is an error. */
import { z } from 'zod';
import { ERROR_CODES, type ErrorCode } from '../../src/protocol/codes.ts';
import type { ServerFrame } from '../../src/protocol/frames.ts';

const id = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/);
const epoch = z.string().regex(/^[A-Za-z0-9_-]{8,32}$/);
const count = z.number().int().nonnegative();
const positive = z.number().int().positive();
const ms = z.number().nonnegative();
const text = z.string().min(1);
const code = z.enum(Object.keys(ERROR_CODES) as [ErrorCode, ...ErrorCode[]]);

const usage = z.strictObject({
  inputTokens: count,
  outputTokens: count,
  cacheReadTokens: count,
  cacheWriteTokens: count,
  thinkingTokens: count.optional(),
  source: z.enum(['final', 'estimated', 'input_only', 'none']),
  costUsd: ms.optional(),
});
const timing = z.strictObject({
  firstTokenMs: ms.nullable(),
  totalMs: ms,
  chunks: count,
  bytes: count,
  upstreamClosedMs: ms.optional(),
});
const quota = z.strictObject({
  of: z.enum(['requests', 'tokens']),
  scope: z.enum(['user', 'organization']),
  period: z.enum(['day', 'month']),
  used: count,
  limit: count,
  resetsAt: positive,
});
const receipt = { id, seq: count, textLength: count, usage };

const listed = {
  id,
  epoch,
  action: text,
  model: text,
  state: z.enum(['live', 'ended']),
  head: count,
  startedAt: positive,
  endedAt: positive.optional(),
  textLength: count,
  ending: z.enum(['done', 'cancelled', 'error']).optional(),
  code: code.optional(),
};

const frame = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('hello'),
    version: text,
    connectionId: text,
    userId: text,
    tokenExpiresAt: positive,
    heartbeatMs: positive,
    resumeWindowMs: positive,
    limits: z.strictObject({ streams: positive, frameBytes: positive, framesPerMinute: positive }),
  }),
  z.strictObject({ type: z.literal('accepted'), id, epoch, model: text, warning: quota.optional() }),
  z.strictObject({
    type: z.literal('chunk'),
    id,
    seq: positive,
    count: positive.min(2).optional(),
    content: text,
  }),
  z.strictObject({ type: z.literal('event'), id, seq: positive, event: z.unknown() }),
  z.strictObject({ type: z.literal('thinking'), id, content: text.optional() }),
  z.strictObject({
    type: z.literal('tool'),
    id,
    call: positive,
    name: text,
    label: text.optional(),
    state: z.enum(['running', 'done', 'failed']),
  }),
  z.strictObject({
    type: z.literal('resumed'),
    id,
    epoch,
    after: count,
    head: count,
    model: text,
    state: z.enum(['live', 'ended']),
  }),
  z.strictObject({
    type: z.literal('done'),
    ...receipt,
    stopReason: text.nullable(),
    refusal: z.strictObject({ category: text.nullable(), partial: z.boolean() }).optional(),
    model: text,
    timing,
  }),
  z.strictObject({
    type: z.literal('cancelled'),
    ...receipt,
    timing: timing.extend({ upstreamClosedMs: ms }),
  }),
  z.strictObject({
    type: z.literal('error'),
    id: id.optional(),
    of: z.enum(['start', 'resume', 'cancel', 'ack']).optional(),
    seq: count.optional(),
    code,
    message: text,
    retryable: z.boolean(),
    retryAfterMs: ms.optional(),
    requestId: text.optional(),
    usage: usage.optional(),
    used: count.optional(),
    limit: positive.optional(),
    resetsAt: positive.optional(),
    reason: z.literal('switched_off').optional(),
  }),
  z.strictObject({
    type: z.literal('streams'),
    streams: z.array(z.strictObject(listed)),
    next: text.optional(),
    incomplete: z.literal(true).optional(),
  }),
  z.discriminatedUnion('state', [
    z.strictObject({ type: z.literal('stream'), ...listed }),
    z.strictObject({ type: z.literal('stream'), id, epoch, state: z.literal('erased') }),
  ]),
  z.strictObject({ type: z.literal('authenticated'), tokenExpiresAt: positive }),
  z.strictObject({ type: z.literal('token_expiring'), expiresInMs: ms }),
  z.strictObject({
    type: z.literal('going_away'),
    reconnectAfterMs: ms,
    deadlineMs: ms,
    resume: z.enum(['elsewhere', 'here']),
  }),
  z.strictObject({
    type: z.literal('config'),
    transport: z.enum(['websocket', 'sse', 'json']),
    pollAfterMs: ms,
    enabled: z.boolean(),
  }),
  z.strictObject({ type: z.literal('pong'), t: z.union([z.number(), z.string()]).optional() }),
]);

/** @throws Error that says what of the frame is not in the protocol */
export function parseServerFrame(json: string): ServerFrame {
  const result = frame.safeParse(JSON.parse(json));
  if (!result.success)
    throw new Error(`not a frame of the protocol: ${json}\n${z.prettifyError(result.error)}`);
  const parsed = result.data as ServerFrame;
  if (parsed.type === 'error' && parsed.retryable !== ERROR_CODES[parsed.code].retryable) {
    throw new Error(`the table of codes says otherwise of "retryable": ${json}`);
  }
  return parsed;
}
