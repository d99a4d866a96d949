/**
 * `@dash-relay/client/report`: tells the relay that something is wrong with an answer. Ids and a category; words only where the
 * person chose to send them.
 */
import { ANSWER_REPORT_BOUNDS, type AnswerReport, type ReportCategory } from '../protocol/answer-report.ts';
import type { DashClient } from './create-dash-client.ts';
import { DashError, failure } from './dash-error.ts';
import { mintStreamId } from './platform.ts';

export { ANSWER_REPORT_BOUNDS, type AnswerReport, type ReportCategory };

/** For an answer, ms, of one attempt. */
const SEND_WITHIN_MS = 10_000;
/** An answer that was lost is asked for again: the relay counts a report of the same id once. */
const ATTEMPTS = 2;

/**
 * Resolves when the relay has it on disk. Texts that are too long are cut.
 * @throws DashError as the relay refuses it (`rate_limited`; `unknown_stream` of somebody else's answer), or `unreachable`
 * @example
 * ```ts
 * import { reportAnswer } from '@dash-relay/client/report';
 *
 * const { id: streamId, epoch } = stream.position;
 * await reportAnswer(client, { streamId, epoch, category: 'wrong' });
 * ```
 */
export async function reportAnswer(client: Pick<DashClient, 'request'>, report: AnswerReport): Promise<void> {
  const { answer, note, ...rest } = report;
  const body = JSON.stringify({
    id: mintStreamId(),
    ...rest,
    answer: answer && cut(answer, ANSWER_REPORT_BOUNDS.answer),
    note: note && cut(note, ANSWER_REPORT_BOUNDS.note),
  });
  for (let left = ATTEMPTS - 1; ; left -= 1) {
    const why = await send(client, body);
    if (why === undefined) return;
    if (left === 0 || why.code !== 'unreachable') throw new DashError(why);
  }
}

async function send(client: Pick<DashClient, 'request'>, body: string) {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), SEND_WITHIN_MS);
  const headers = { 'content-type': 'application/json' };
  try {
    const reply = await client.request('/v1/reports', {
      method: 'POST',
      headers,
      body,
      signal: abort.signal,
    });
    if ('response' in reply) return reply.response.status === 204 ? undefined : failure('unreachable', true); // a portal answers everything
    return reply.error ?? failure('unreachable', true);
  } catch {
    return failure('unreachable', true);
  } finally {
    clearTimeout(timer);
  }
}

/** Not within a character. */
function cut(text: string, length: number): string {
  return text.slice(0, length).replace(/[\ud800-\udbff]$/, '');
}
