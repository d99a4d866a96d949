/**
 * The core's Observer: one log line for each connection opened and closed, each stream started and ended, and the
 * metrics of the same events. Fields are listed one by one: what a port may add later is not logged by accident.
 */
import type { Usage } from '../protocol/frames.ts';
import type { Observer, StreamIdentity } from '../relay/port.ts';
import type { Clock } from '../time/clock.ts';
import { LineRate } from './line-rate.ts';
import type { Logger } from './logger.ts';
import type { Metrics } from './metrics.ts';

/** Other codes are a peer's invention: each would be a time series. */
const KNOWN_CLOSE_CODES: ReadonlySet<number> = new Set([
  1000, 1001, 1002, 1003, 1005, 1006, 1007, 1008, 1009, 1011, 1012, 1013, 4400, 4401, 4403, 4408, 4429, 4503,
]);
/** Refusals that are the operator's business; the rest is the client's, and can come thousands a second. */
const NOTEWORTHY: ReadonlySet<string> = new Set(['internal', 'unavailable', 'shutting_down']);

export function createObserver(logger: Logger, metrics: Metrics, clock: Pick<Clock, 'elapsed'>): Observer {
  const refusals = new LineRate(clock, (lines, users) => logger.warn({ lines, users }, 'refusals left out'));
  return {
    connectionOpened({ connectionId, userId }) {
      metrics.connections.inc();
      metrics.upgrades.inc({ outcome: 'accepted' });
      logger.info({ connectionId, userId }, 'connection opened');
    },
    connectionClosed({ connectionId, userId, code, reason, durationMs }) {
      metrics.connections.dec();
      metrics.connectionsClosed.inc({ code: KNOWN_CLOSE_CODES.has(code) ? String(code) : 'other' });
      logger.info({ connectionId, userId, code, reason, durationMs: round(durationMs) }, 'connection closed');
    },
    streamStarted(event) {
      metrics.liveStreams.inc();
      logger.info({ ...identity(event), connectionId: event.connectionId }, 'stream started');
    },
    streamEnded(event) {
      countEnding(metrics, event);
      logger[event.code === 'internal' ? 'error' : 'info'](endingFields(event), 'stream ended');
    },
    refused({ connectionId, userId, streamId, of, code, cause }) {
      if (of === 'upgrade') metrics.upgrades.inc({ outcome: code });
      else metrics.refusals.inc({ of, code });
      if (!refusals.take(userId ?? `${of} ${code}`)) return;
      const level = NOTEWORTHY.has(code) ? 'warn' : of === 'upgrade' ? 'debug' : 'info';
      logger[level]({ connectionId, userId, streamId, of, code, cause }, 'refused');
    },
    resumed(event) {
      metrics.resumes.inc();
      const { connectionId, after, head } = event;
      logger.info({ ...identity(event), connectionId, after, head }, 'stream resumed');
    },
    failed({ what, cause, connectionId, epoch }) {
      metrics.failures.inc({ what });
      logger.error({ what, connectionId, epoch, cause }, 'failed');
    },
  };
}

type StreamEnded = Parameters<Observer['streamEnded']>[0];

function endingFields(event: StreamEnded) {
  const { status, code, stopReason, usage, chunks, bytes, upstreamRequestId } = event;
  return {
    ...identity(event),
    status,
    code,
    stopReason,
    firstTokenMs: round(event.firstTokenMs),
    totalMs: round(event.totalMs),
    upstreamClosedMs: round(event.upstreamClosedMs),
    chunks,
    bytes,
    upstreamRequestId,
    inputTokens: usage.inputTokens,
    outputTokens: usage.outputTokens,
    cacheReadTokens: usage.cacheReadTokens,
    cacheWriteTokens: usage.cacheWriteTokens,
    usageSource: usage.source,
    cause: event.cause,
  };
}

function countEnding(metrics: Metrics, event: StreamEnded): void {
  metrics.liveStreams.dec();
  metrics.streamsEnded.inc({ status: event.status, code: event.code ?? 'none' });
  if (event.firstTokenMs !== null) metrics.firstToken.observe(event.firstTokenMs / 1000);
  metrics.streamDuration.observe(event.totalMs / 1000);
  if (event.upstreamClosedMs !== null) metrics.upstreamClosed.observe(event.upstreamClosedMs / 1000);
  metrics.deltas.inc(event.chunks);
  metrics.textBytes.inc(event.bytes);
  countTokens(metrics, event.usage);
}

function countTokens(metrics: Metrics, usage: Usage): void {
  const { source } = usage;
  metrics.tokens.inc({ kind: 'input', source }, usage.inputTokens);
  metrics.tokens.inc({ kind: 'output', source }, usage.outputTokens);
  metrics.tokens.inc({ kind: 'cache_read', source }, usage.cacheReadTokens);
  metrics.tokens.inc({ kind: 'cache_write', source }, usage.cacheWriteTokens);
}

function identity({ streamId, epoch, userId, action, model }: StreamIdentity) {
  return { streamId, epoch, userId, action, model };
}

/** Milliseconds with one digit behind the point. */
function round(ms: number | null): number | null {
  return ms === null ? null : Math.round(ms * 10) / 10;
}
