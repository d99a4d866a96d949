/** The body of `POST /v1/reports`: strict and bounded, since a client may say anything. Server only (zod). */
import * as z from 'zod';
import { ANSWER_REPORT_BOUNDS, type IdentifiedReport, REPORT_CATEGORIES } from './answer-report.ts';
import { checkShape } from './check-shape.ts';

const id = z.string().regex(/^[\w-]{1,64}$/, 'must be 1 to 64 of A-Z a-z 0-9 _ -');
const words = (most: number) => z.string().min(1).max(most).optional();

export const answerReport = z.strictObject({
  id,
  streamId: id,
  epoch: z
    .string()
    .regex(/^[\w-]{8,32}$/, 'must be 8 to 32 of A-Z a-z 0-9 _ -')
    .optional(),
  category: z.enum(REPORT_CATEGORIES),
  answer: words(ANSWER_REPORT_BOUNDS.answer),
  note: words(ANSWER_REPORT_BOUNDS.note),
});

/** @throws RelayError bad_request, naming the field; texts as every store can hold them */
export function parseAnswerReport(value: unknown): IdentifiedReport {
  const { answer, note, ...ids } = checkShape(answerReport, value);
  return { ...ids, answer: storable(answer), note: storable(note) };
}

/** Postgres refuses U+0000, UTF-8 has no lone surrogates. */
function storable(text: string | undefined): string | undefined {
  return text?.replaceAll('\0', '\ufffd').toWellFormed();
}
