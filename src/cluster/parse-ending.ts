/** Judges an ending that another machine wrote, before anyone here is told that a run ended so. */
import * as z from 'zod';
import { ERROR_CODES, type ErrorCode } from '../protocol/codes.ts';
import type { EndingFrame } from '../protocol/frames.ts';
import { parseJson } from '../protocol/parse-json.ts';
import { Malformed } from './store/port.ts';

/** Many times what the longest ending has. */
const MAX_LENGTH = 64 * 1024;

const BOUNDS = { depth: 16, values: 1000 } as const;

const count = z.number().nonnegative();

// Fields that a newer relay may add are passed on: clients ignore what they do not know.
const usage = z.looseObject({
  inputTokens: count,
  outputTokens: count,
  cacheReadTokens: count,
  cacheWriteTokens: count,
  source: z.enum(['final', 'estimated', 'input_only', 'none']),
  costUsd: count.optional(),
});
const timing = z.looseObject({
  firstTokenMs: count.nullable(),
  totalMs: count,
  chunks: count,
  bytes: count,
  upstreamClosedMs: count.optional(),
});
const position = { id: z.string(), seq: z.int().nonnegative() };
const ending = z.discriminatedUnion('type', [
  z.looseObject({
    type: z.literal('done'),
    ...position,
    stopReason: z.string().nullable(),
    model: z.string(),
    textLength: count,
    usage,
    timing,
  }),
  z.looseObject({ type: z.literal('cancelled'), ...position, textLength: count, usage, timing }),
  z.looseObject({
    type: z.literal('error'),
    ...position,
    of: z.undefined().optional(),
    code: z.enum(Object.keys(ERROR_CODES) as [ErrorCode, ...ErrorCode[]]),
    message: z.string(),
    retryable: z.boolean(),
    retryAfterMs: count.optional(),
    requestId: z.string().optional(),
    usage: usage.optional(),
  }),
]);

/** @throws Malformed where it is not the ending of that stream */
export function parseEnding(json: string, id: string): EndingFrame {
  const { data } = ending.safeParse(json.length > MAX_LENGTH ? undefined : valueIn(json));
  if (data?.id !== id) throw new Malformed('the ending of a run');
  return data as EndingFrame;
}

function valueIn(json: string): unknown {
  try {
    return parseJson(json, BOUNDS);
  } catch {
    return undefined; // no ending either
  }
}
