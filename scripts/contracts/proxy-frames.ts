/** Frames that the old function `ai-proxy-ws` says, as schemas (`src/legacy/old-frames.ts` writes them). */
import * as z from 'zod';
import { count, errorCode, text } from './server-frames.ts';

/** By type. */
export const PROXY_FRAMES = {
  start: z.strictObject({ type: z.literal('start') }),
  delta: z.strictObject({ type: z.literal('delta'), text }),
  done: z.strictObject({ type: z.literal('done') }),
  cancelled: z.strictObject({ type: z.literal('cancelled') }),
  error: z.strictObject({
    type: z.literal('error'),
    message: text,
    error: errorCode,
    retryable: z.boolean(),
    retry_after_seconds: count.exactOptional(),
  }),
} as const;
