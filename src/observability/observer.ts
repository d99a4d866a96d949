/**
 * The core's Observer: one log line for each stream started and ended, sampled lines of what a client can cause at
 * will, and the metrics of all of it. Fields are listed one by one: what a port may add later is not logged by accident.
 */
import type { Usage } from '../protocol/frames.ts';
import type { StreamReport } from '../protocol/streaming-metrics.ts';
import type { LogMessage } from './log-events.ts';
import type { Logger } from './logger.ts';
import {
  CLOSE_CODE,
  FAILED_PART,
  known,
  OTHER,
  QUOTA_LIMIT,
  REFUSAL_REASON,
  ROUTE,
  STATUS,
  STATUS_CLASS,
} from './metric-labels.ts';
import type { Metrics } from './metrics.ts';
import type { Caller, Observer, Payer, RunIdentity, StreamEnded } from './port.ts';
import type { LineKind, SampledLines } from './sampled-lines.ts';

/** Endings that only the operator can do something about. */
const OPERATORS: ReadonlySet<string> = new Set(['internal', 'upstream_account']);
/** Refusals that are the operator's business; the rest is the client's. */
const NOTEWORTHY: ReadonlySet<string> = new Set(['internal', 'unavailable', 'shutting_down']);

/** There is nothing to read on from. */
const GONE: ReadonlySet<string> = new Set(['unknown_stream', 'resume_gap']);

/** Within ten seconds. A user with a phone and a tab stays below. */
const LINES_OF_USER = 50;
/** Of one user; or of all whose token was not verified. */
const LINES_OF_REFUSAL = 5;
const LINES_OF_FAILURE = 20;
const LINES_OF_COUNT = 2;

const LONGEST_REPORTED_SECONDS = 600;

const CONNECTION_OPENED = ofUser('connection opened');
const CONNECTION_CLOSED = ofUser('connection closed');
const STREAM_RESUMED = ofUser('stream resumed');
const CANCEL_ASKED = ofUser('cancel asked');
const PASSED_ON = ofUser('passed on');

function ofUser(message: LogMessage): LineKind {
  return { level: 'info', message, lines: LINES_OF_USER, fields: {} };
}

/** `sampled` is the caller's, who closes it. */
export function createObserver(logger: Logger, metrics: Metrics, sampled: SampledLines): Observer {
  return {
    connectionOpened({ connectionId, userId }) {
      metrics.connections.inc();
      metrics.upgrades.inc({ outcome: 'accepted' });
      sampled.write(CONNECTION_OPENED, userId, { connectionId });
    },
    connectionClosed({ connectionId, userId, code, reason, durationMs }) {
      metrics.connections.dec();
      metrics.connectionsClosed.inc({ code: known(CLOSE_CODE, String(code)) });
      const fields = { connectionId, code, reason, durationMs: round(durationMs) };
      sampled.write(CONNECTION_CLOSED, userId, fields);
    },
    streamStarted(event) {
      metrics.liveStreams.inc();
      logger.info({ ...identity(event), ...caller(event), ...payer(event) }, 'stream started');
    },
    streamEnded(event) {
      countEnding(metrics, event);
      const level = event.code !== null && OPERATORS.has(event.code) ? 'error' : 'info';
      logger[level](endingFields(event), 'stream ended');
    },
    deltaAfter: (gapMs) => metrics.deltaGaps.observe(gapMs),
    refused({ door, requestId, connectionId, userId, streamId, of, code, cause, origin }) {
      const reason = reasonOf(code, cause);
      metrics.refusals.inc({ door, of, code, reason });
      const limit = QUOTA_LIMIT.values.find((each) => each === reason);
      if (limit !== undefined) metrics.quotaRefusals.inc({ limit });
      if (of === 'resume') metrics.resumeOutcomes.inc({ outcome: GONE.has(code) ? 'gone' : 'refused' });
      if (of === 'upgrade') metrics.upgrades.inc({ outcome: code });
      const level = NOTEWORTHY.has(code) ? 'warn' : 'info';
      const kind = {
        level,
        message: 'refused',
        lines: LINES_OF_REFUSAL,
        fields: { door, of, code, reason },
      } as const;
      // The id of a stream that is not there is a stranger's text: it names nothing, and may say anything.
      const named = code === 'unknown_stream' ? null : streamId;
      sampled.write(kind, userId, {
        requestId,
        connectionId,
        streamId: named,
        origin,
        cause: cause === reason ? undefined : cause,
      });
    },
    resumed(event) {
      metrics.resumes.inc();
      metrics.resumeOutcomes.inc({ outcome: event.isRemote ? 'remote' : 'local' });
      const { after, head, userId } = event;
      sampled.write(STREAM_RESUMED, userId, { ...identity(event), ...caller(event), after, head });
    },
    slowReader: (outcome) => metrics.slowReaders.inc({ outcome }),
    requestAnswered({ route, status }) {
      metrics.httpRequests.inc({
        route: known(ROUTE, route ?? OTHER),
        status: known(STATUS, String(status)),
      });
    },
    cancelAsked(event) {
      const { streamId, userId } = event;
      sampled.write(CANCEL_ASKED, userId, { streamId, ...caller(event) });
    },
    passedOn(event) {
      const { name, status, outcome, ms, bytes, userId } = event;
      metrics.passedOn.inc({ name, outcome, status: statusClass(status) });
      sampled.write(PASSED_ON, userId, { ...caller(event), name, status, outcome, ms: round(ms), bytes });
    },
    promptCounted({ outcome, caller: asked, epoch, model, cause }) {
      metrics.promptCounts.inc({ outcome });
      if (cause === undefined) return;
      const fields = { reason: outcome };
      const message = 'prompt not counted: its reservation stays as it was estimated';
      const { status, type, errorCode, upstreamRequestId } = cause;
      const said = { status, type, errorCode, upstreamRequestId };
      sampled.write({ level: 'warn', message, lines: LINES_OF_COUNT, fields }, undefined, {
        ...(asked && caller(asked)),
        epoch,
        model,
        ...said,
      });
    },
    clientReported(event) {
      metrics.clientReports.inc({ outcome: event.outcome });
      if (event.outcome === 'counted') countReport(metrics, event.report);
    },
    answerReported({ userId, streamId, epoch, category }) {
      metrics.answerReports.inc({ category });
      logger.info({ userId, streamId, epoch, category }, 'answer reported');
    },
    failed({ what, cause, connectionId, epoch }) {
      metrics.failures.inc({ what: known(FAILED_PART, what) });
      sampled.write(
        { level: 'error', message: 'failed', lines: LINES_OF_FAILURE, fields: { what } },
        undefined,
        { connectionId, epoch, cause },
      );
    },
  };
}

function endingFields(event: StreamEnded) {
  const { status, code, stopReason, abortReason, usage, costUsd, chunks, bytes, upstreamRequestId } = event;
  return {
    ...identity(event),
    ...caller(event),
    ...payer(event),
    servedModel: event.servedModel,
    status,
    code,
    stopReason,
    refusal: event.refusal,
    abortReason,
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
    costUsd,
    cause: event.cause,
  };
}

function countEnding(metrics: Metrics, event: StreamEnded): void {
  metrics.liveStreams.dec();
  const { action, model, status } = event;
  metrics.streamsEnded.inc({ status, code: event.code ?? 'none' });
  metrics.actionStreams.inc({ action, model, status });
  countFirstToken(metrics, event);
  metrics.streamDuration.observe(event.totalMs / 1000);
  if (event.upstreamClosedMs !== null) metrics.upstreamClosed.observe(event.upstreamClosedMs / 1000);
  metrics.deltas.inc(event.chunks);
  metrics.textBytes.inc(event.bytes);
  countTokens(metrics, event.usage);
  countCost(metrics, event);
  countCache(metrics, event);
}

function countFirstToken(metrics: Metrics, { firstTokenShares }: StreamEnded): void {
  if (firstTokenShares === null) return;
  const { relayMs, modelMs } = firstTokenShares;
  metrics.firstToken.observe((relayMs + modelMs) / 1000);
  metrics.modelFirstToken.observe(modelMs / 1000);
  metrics.relayFirstToken.observe(relayMs / 1000);
}

/** What an app says, which may be anything: it counts for no more than an answer can take. */
function countReport(metrics: Metrics, report: StreamReport): void {
  const { transport, status, platform, code, first_token_ms: firstTokenMs } = report;
  metrics.clientStreams.inc({ transport, status });
  if (status === 'error') metrics.clientErrors.inc({ platform, code: code ?? 'none' });
  if (firstTokenMs !== null) metrics.clientFirstToken.observe({ transport }, reportedSeconds(firstTokenMs));
  metrics.clientStream.observe({ transport }, reportedSeconds(report.total_duration_ms));
}

function reportedSeconds(ms: number): number {
  return Math.min(ms / 1000, LONGEST_REPORTED_SECONDS);
}

function countTokens(metrics: Metrics, usage: Usage): void {
  const { source } = usage;
  metrics.tokens.inc({ kind: 'input', source }, usage.inputTokens);
  metrics.tokens.inc({ kind: 'output', source }, usage.outputTokens);
  metrics.tokens.inc({ kind: 'cache_read', source }, usage.cacheReadTokens);
  metrics.tokens.inc({ kind: 'cache_write', source }, usage.cacheWriteTokens);
}

/** Of the model that was asked for: what answers may name itself as it likes, and each name would be a time series. */
function countCost(metrics: Metrics, { action, model, costUsd, cacheSavedUsd, usage }: StreamEnded): void {
  const labels = { action, model };
  if (costUsd === null) metrics.unpriced.inc(labels);
  else metrics.costUsd.inc(labels, costUsd);
  if (usage.source === 'estimated' || usage.source === 'input_only') metrics.estimated.inc(labels);
  if (cacheSavedUsd === null) return;
  if (cacheSavedUsd > 0) metrics.cacheSavings.inc(labels, cacheSavedUsd);
  else if (cacheSavedUsd < 0) metrics.cacheLosses.inc(labels, -cacheSavedUsd);
}

/** Both kinds, so that one which never rises is a 0 to compare with; neither where no cache is used. */
function countCache({ cacheTokens }: Metrics, { action, model, usage }: StreamEnded): void {
  const { cacheReadTokens, cacheWriteTokens } = usage;
  if (cacheReadTokens + cacheWriteTokens === 0) return;
  cacheTokens.inc({ action, model, kind: 'write' }, cacheWriteTokens);
  cacheTokens.inc({ action, model, kind: 'read' }, cacheReadTokens);
}

function statusClass(status: number | null): (typeof STATUS_CLASS.values)[number] {
  if (status === null) return 'none';
  return STATUS_CLASS.values.find((each) => each.startsWith(String(Math.floor(status / 100)))) ?? 'none';
}

function identity({ streamId, epoch, userId, action, model }: RunIdentity) {
  return { streamId, epoch, userId, action, model };
}

function caller({ door, requestId, connectionId }: Caller): Caller {
  return { door, requestId, connectionId };
}

function payer({ organizationId, tier }: Payer): Payer {
  return { organizationId, tier };
}

type Reason = (typeof REFUSAL_REASON.values)[number];

/** Why, where one code has several reasons: a cause that is a word of the set. */
function reasonOf(code: Reason, cause: unknown): Reason {
  return REFUSAL_REASON.values.find((reason) => reason === cause) ?? code;
}

/** Milliseconds with one digit after the point. */
function round(ms: number | null): number | null {
  return ms === null ? null : Math.round(ms * 10) / 10;
}
