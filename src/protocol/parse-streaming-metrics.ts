/** The body of `POST /v1/client-metrics`: strict and bounded, since a client may say anything. Server only (zod). */
import * as z from 'zod';
import { checkShape } from './check-shape.ts';
import { ERROR_NAMES } from './codes.ts';
import {
  CLIENT_CODES,
  METRICS_EVENT,
  REPORT_BOUNDS,
  REPORTED_PLATFORMS,
  REPORTED_STATUSES,
  REPORTED_TRANSPORTS,
  type ReportBatch,
  type StreamReport,
} from './streaming-metrics.ts';

const durationMs = z.number().nonnegative().max(REPORT_BOUNDS.durationMs);
const count = z.number().int().nonnegative();

/** `events` are walked by hand: the library would look at all there are before it counts them. */
export const batch = z.strictObject({
  events: z.array(z.unknown()).min(1).max(REPORT_BOUNDS.events),
  lost: count.max(REPORT_BOUNDS.lost).optional(),
});

export const streamReport = z
  .strictObject({
    event: z.literal(METRICS_EVENT),
    first_token_ms: durationMs.nullable(),
    total_duration_ms: durationMs,
    chunks_received: count.max(REPORT_BOUNDS.chunks),
    bytes_streamed: count.max(REPORT_BOUNDS.bytes),
    platform: z.enum(REPORTED_PLATFORMS),
    transport: z.enum(REPORTED_TRANSPORTS),
    status: z.enum(REPORTED_STATUSES),
    code: z.enum([...ERROR_NAMES, ...CLIENT_CODES]).nullish(),
    resumes: count.max(REPORT_BOUNDS.resumes).optional(),
  })
  .refine(({ first_token_ms: first, total_duration_ms: total }) => (first ?? 0) <= total, {
    path: ['first_token_ms'],
    error: 'at most total_duration_ms',
  })
  .refine(({ status, code }) => status === 'error' || (code ?? null) === null, {
    path: ['code'],
    error: 'only with the status "error"',
  });

/** @throws RelayError bad_request, naming the field */
export function parseReportBatch(value: unknown): ReportBatch {
  const { events, lost } = checkShape(batch, value);
  const checked = events.map(
    (event, index): StreamReport => checkShape(streamReport, event, `events.${index}.`),
  );
  return { events: checked, lost };
}
