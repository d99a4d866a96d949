/**
 * Every metric of the relay: the names, the help texts and the labels are all here, but for those of the process itself,
 * which are the library's. Label values are closed sets.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

const PREFIX = 'dash_';
const LATENCY_SECONDS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 1.5, 2.5, 5, 10, 30, 60, 300, 600];
/** A histogram timer of Node wakes the process this often, ms; the default is 10. */
const EVENT_LOOP_PRECISION_MS = 20;

/** Values that others hold. A relay has those of the parts it is built of. */
const WATCHED = {
  request_body_bytes: 'Bytes of request bodies on their way',
  http_connections: 'TCP connections of the public port that are no WebSocket',
  upstream_requests: 'Upstream requests open',
  upstream_account_fails: "1 while the account at the model's API does not work",
  models_retired: 'Models that settings name and that are retired, by the models file or the API',
  models_deprecated: 'Models that settings name and that will retire',
  models_unlisted: 'Models that settings name and the API does not list',
  models_differs: 'Models that settings name and of which the API says otherwise than the models file',
  stream_log_bytes: 'Bytes held by all stream logs',
  ledger_degraded: '1 while usage rows cannot be written',
  quota_alone: '1 while Postgres cannot be asked for quotas',
  quota_undelivered: 'Settlements Postgres has not heard of',
  log_lines_dropped: 'Log lines lost: their reader stalled',
  usage_rows_waiting: 'Usage rows not yet in Postgres',
  usage_rows_quarantined: 'Usage rows that Postgres refuses',
  usage_oldest_waiting_seconds: 'Age of the oldest usage row not yet in Postgres',
  mirror_up: "1 while runs can be copied into the app's table; 0 also without a mirror",
  mirror_rows_waiting: "Runs not yet copied into the app's table, of all relays",
  mirror_rows_refused: "Runs that the app's table refused, of all relays: tried again",
  mirror_problems: "Ways in which the app's table does not fit, each a line of the log",
  identity_up: '1 while IDENTITY_VIEW can be read',
  identity_cached: 'Users whose tier and organisation are at hand',
  redis_up: '1 while all that machines share works: commands, publishing and the own mailbox',
  streams_published: 'Streams not wholly with Redis yet',
  streams_followed: 'Streams of other machines that are read here',
} as const;

export type Metrics = ReturnType<typeof createMetrics>;

/** A registry of its own, so that several relays fit in one process (tests). */
export function createMetrics() {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({
    register: registry,
    prefix: PREFIX,
    eventLoopMonitoringPrecision: EVENT_LOOP_PRECISION_MS,
  });

  const gauge = (name: string, help: string) => new Gauge({ name: PREFIX + name, help, registers });
  const counter = <Label extends string = never>(name: string, help: string, ...labelNames: Label[]) =>
    new Counter({ name: PREFIX + name, help, labelNames, registers });
  const latency = (name: string, help: string) =>
    new Histogram({ name: PREFIX + name, help, buckets: LATENCY_SECONDS, registers });

  return {
    registry,
    connections: gauge('connections', 'WebSockets open'),
    connectionsClosed: counter('connections_closed_total', 'WebSockets closed, by close code', 'code'),
    upgrades: counter('upgrades_total', 'Handshakes, by outcome: accepted, or the error code', 'outcome'),
    liveStreams: gauge('live_streams', 'Streams that have not ended'),
    streamsEnded: counter('streams_ended_total', 'Streams ended, by status and error code', 'status', 'code'),
    firstToken: latency('first_token_seconds', 'From the arrival of a start to its first text'),
    streamDuration: latency('stream_duration_seconds', 'From the arrival of a start to its ending'),
    upstreamClosed: latency(
      'cancel_upstream_closed_seconds',
      'From a cancel to the close of the upstream request',
    ),
    tokens: counter(
      'tokens_total',
      'Tokens of ended streams, by kind and source of the count',
      'kind',
      'source',
    ),
    cacheTokens: counter(
      'cache_tokens_total',
      "Prompt tokens of ended streams in the API's cache, by action, model and kind: write or read",
      'action',
      'model',
      'kind',
    ),
    costUsd: counter(
      'cost_usd_total',
      'What ended streams cost, US dollars, by action and model',
      'action',
      'model',
    ),
    unpriced: counter(
      'unpriced_streams_total',
      'Ended streams whose cost is not known: their model has no price',
      'action',
      'model',
    ),
    deltas: counter('deltas_total', 'Deltas of ended streams'),
    textBytes: counter('text_bytes_total', 'UTF-8 bytes of text of ended streams'),
    resumes: counter('resumes_total', 'Streams resumed'),
    refusals: counter(
      'refusals_total',
      'Handshakes, frames and requests refused, by door, what they were, error code and reason',
      'door',
      'of',
      'code',
      'reason',
    ),
    passedOn: counter(
      'passed_on_total',
      'Requests passed on to an old function, by its name, how that went, and the class of its status',
      'name',
      'outcome',
      'status',
    ),
    fallbacks: counter(
      'fallbacks_total',
      "Times that an action's fallback was asked instead of its model, by the error code of that one",
      'reason',
    ),
    promptCounts: counter(
      'prompt_counts_total',
      'Prompts above COUNT_TOKENS_ABOVE, by what came of counting them',
      'outcome',
    ),
    toolCalls: counter(
      'tool_calls_total',
      'Calls of tools that models asked for, by tool and outcome',
      'tool',
      'outcome',
    ),
    toolDuration: new Histogram({
      name: `${PREFIX}tool_call_seconds`,
      help: 'How long calls of tools took, by tool',
      buckets: LATENCY_SECONDS,
      labelNames: ['tool'],
      registers,
    }),
    redisFailures: counter('redis_failures_total', 'Times that Redis became unusable, by reason', 'reason'),
    identityLookups: counter(
      'identity_lookups_total',
      'Tiers and organisations looked up, by where they came from: hit, miss, stale, unknown',
      'outcome',
    ),
    failures: counter('failures_total', 'Errors that no client could be told of', 'what'),
    /** 1, with what runs here as labels. */
    built(version: string): void {
      const name = `${PREFIX}build_info`;
      const help = '1, by the version of the relay and of Node';
      const labels = { version, node: process.version };
      new Gauge({ name, help, labelNames: ['version', 'node'], registers }).set(labels, 1);
    },
    /** A value that others hold, read when it is scraped. */
    watch(name: keyof typeof WATCHED, read: () => number): void {
      new Gauge({
        name: PREFIX + name,
        help: WATCHED[name],
        registers,
        collect() {
          this.set(read());
        },
      });
    },
  };
}
