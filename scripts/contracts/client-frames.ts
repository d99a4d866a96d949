/**
 * Frames and bodies of clients as schemas of their whole: those by which they are parsed, with what the parser walks by hand
 * (messages, context, parameters) spelled out.
 */
import * as z from 'zod';
import {
  clientFrames,
  httpRequest,
  imageBlock,
  MAX_BLOCKS,
  MAX_MESSAGES,
  message,
  textBlock,
  uploadedBlock,
} from '../../src/protocol/client-frame-schemas.ts';
import { MAX_PARAMETER_LENGTH, MAX_PARAMETERS, PARAMETER_NAME } from '../../src/protocol/parameters.ts';
import { batch, streamReport } from '../../src/protocol/parse-streaming-metrics.ts';
import { REPORT_BOUNDS } from '../../src/protocol/streaming-metrics.ts';

const source = imageBlock.shape.source.extend({
  data: z
    .string()
    .regex(/^[A-Za-z0-9+/]*={0,2}$/)
    .meta({ contentEncoding: 'base64' }),
});
/** Base64 in the block itself. */
export const wholeImageBlock = imageBlock.extend({ source });
export { textBlock, uploadedBlock };

const block = z.union([textBlock, wholeImageBlock, uploadedBlock]);
export const wholeMessage = message.extend({
  content: z.union([z.string().min(1), z.array(block).min(1).max(MAX_BLOCKS)]),
});

/** What the parser walks by hand. */
export const walked = {
  messages: z.array(wholeMessage).min(1).max(MAX_MESSAGES),
  context: z.union([z.string(), z.record(z.string(), z.unknown())]).optional(),
  parameters: z
    .record(
      z.string().regex(PARAMETER_NAME),
      z.union([z.string().max(MAX_PARAMETER_LENGTH), z.number(), z.boolean()]),
    )
    .meta({ maxProperties: MAX_PARAMETERS })
    .optional(),
};

/** The body of `POST /v1/chat`. */
export const wholeRequest = httpRequest.extend(walked);

/** By type. */
export const CLIENT_FRAMES = { ...clientFrames, start: clientFrames.start.extend(walked) } as const;

/** The body of `POST /v1/client-metrics`. */
export const wholeBatch = batch.extend({
  events: z.array(streamReport).min(1).max(REPORT_BOUNDS.events),
});
