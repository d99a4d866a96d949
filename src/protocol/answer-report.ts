/** What a person reports of an answer: the body of `POST /v1/reports`. */

export const REPORT_CATEGORIES = ['wrong', 'unkind', 'unsafe', 'private', 'other'] as const;
export type ReportCategory = (typeof REPORT_CATEGORIES)[number];

export interface AnswerReport {
  readonly streamId: string;
  /** Undefined where the client does not know it. */
  readonly epoch?: string | undefined;
  readonly category: ReportCategory;
  /** The answer, only where the person chose to send it. */
  readonly answer?: string | undefined;
  /** What the person says of it, likewise. */
  readonly note?: string | undefined;
}

/** `id`: minted by the client as ids of streams are; a report that is sent again counts once. */
export type IdentifiedReport = AnswerReport & { readonly id: string };

export const ANSWER_REPORT_BOUNDS = {
  bodyBytes: 128 * 1024,
  /** UTF-16 code units. */
  answer: 16_000,
  note: 1000,
} as const;
