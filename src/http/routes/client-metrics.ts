/**
 * `POST /v1/client-metrics`: what apps measure of their streams, for the metrics and nothing else. Nothing of it is kept or
 * logged, and whose it is is not told: the user only bounds how much one client can say.
 */
import type { RouteHandlerMethod } from 'fastify';
import type { Observer } from '../../observability/port.ts';
import { parseReportBatch } from '../../protocol/parse-streaming-metrics.ts';
import type { Clock } from '../../time/clock.ts';
import type { TakenElsewhere } from '../../workers/port.ts';
import { Rate } from '../admission/keyed-counts.ts';
import { principalOf } from '../admission/request-guard.ts';

/** Of one user. Nobody asks so much, and a client that lies moves no percentile of a school. */
const REPORTS_PER_MINUTE = 30;

/** @param elsewhere reports that other processes of this machine took */
export function clientMetricsHandler(
  observer: Observer,
  clock: Clock,
  elsewhere: TakenElsewhere | undefined,
): RouteHandlerMethod {
  const reports = new Rate(REPORTS_PER_MINUTE, 60_000, clock, elsewhere);
  return (request, reply) => {
    const { userId } = principalOf(request);
    const { events, lost = 0 } = parseReportBatch(request.body);
    const isCounted = (): boolean => reports.take(userId) === 0;
    for (const report of events)
      observer.clientReported(isCounted() ? { outcome: 'counted', report } : { outcome: 'over_limit' });
    for (let each = 0; each < lost; each += 1)
      observer.clientReported({ outcome: isCounted() ? 'lost' : 'over_limit' });
    return reply.code(204).send();
  };
}
