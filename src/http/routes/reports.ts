/** `POST /v1/reports`: what a person reports of an answer. It is on disk when it is answered; words are never logged. */
import type { RouteHandlerMethod } from 'fastify';
import type { Principal } from '../../auth/port.ts';
import type { Observer } from '../../observability/port.ts';
import type { IdentifiedReport } from '../../protocol/answer-report.ts';
import { parseAnswerReport } from '../../protocol/parse-answer-report.ts';
import { RelayError } from '../../protocol/relay-error.ts';
import type { Clock } from '../../time/clock.ts';
import type { TakenElsewhere } from '../../workers/port.ts';
import { Rate } from '../admission/keyed-counts.ts';
import { principalOf } from '../admission/request-guard.ts';

/** Of one user: more than anybody has to say, and less than would bury the others'. */
const REPORTS_PER_TEN_MINUTES = 10;

/** @throws RelayError where it is not the user's to report, or cannot be kept */
export type KeepReport = (report: IdentifiedReport, principal: Principal) => Promise<void>;

/** @param elsewhere reports that other processes of this machine took */
export function reportsHandler(
  keep: KeepReport,
  observer: Observer,
  clock: Clock,
  elsewhere: TakenElsewhere | undefined,
): RouteHandlerMethod {
  const rate = new Rate(REPORTS_PER_TEN_MINUTES, 600_000, clock, elsewhere);
  return async (request, reply) => {
    const principal = principalOf(request);
    const report = parseAnswerReport(request.body);
    const retryAfterMs = rate.take(principal.userId);
    if (retryAfterMs > 0) throw new RelayError('rate_limited', 'too many reports; wait', { retryAfterMs });
    await keep(report, principal);
    const { streamId, epoch, category } = report;
    observer.answerReported({ userId: principal.userId, streamId, epoch: epoch ?? null, category });
    return reply.code(204).send();
  };
}
