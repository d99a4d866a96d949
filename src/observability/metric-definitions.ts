/**
 * Every metric of the relay's own: its name, type, labels with all their values, what it is, and when it is for an operator
 * to act. The runbook's table is written from here, and nothing else can be exposed. Those of the process are in
 * process-metrics.ts.
 */
import {
  ACTION,
  API_ERROR,
  API_STATUS,
  CLIENT_CODE,
  CLIENT_PLATFORM,
  CLIENT_STATUS,
  CLIENT_TRANSPORT,
  CLOSE_CODE,
  CODE,
  DOOR,
  ENDED,
  ENDED_BY_REVOCATION,
  ENDED_CODE,
  FAILED_PART,
  KEPT_OUTCOME,
  type LabelSet,
  MODEL,
  OLD_FUNCTION,
  OTHER,
  OVERLOAD,
  oneOf,
  PASSED_ON_OUTCOME,
  QUOTA_LIMIT,
  REDIS_REASON,
  REFUSAL_REASON,
  REFUSED,
  RELOAD_OUTCOME,
  REPORT_CATEGORY,
  REPORT_OUTCOME,
  REVOKED_BY,
  ROUTE,
  STATUS,
  STATUS_CLASS,
  SWITCH,
  TOOL,
  TOOL_OUTCOME,
  UPGRADE_OUTCOME,
  UPLOAD_TYPE,
  VERSION,
  WEBHOOK_OUTCOME,
  WORKER,
} from './metric-labels.ts';

/** What the gauges of a machine's workers come to; counters and histograms add up. */
export type Merge = 'sum' | 'min' | 'max' | 'first';

/** Of whatever process there are several, each gauge says what they come to together. */
export type MetricType =
  | { readonly type: 'counter' | 'histogram'; readonly merge?: never }
  | { readonly type: 'gauge'; readonly merge: Merge };

export type MetricDefinition = MetricType & {
  readonly help: string;
  readonly labels?: Readonly<Record<string, LabelSet>>;
  /** When it is for an operator to act, and on what; null: it explains others. */
  readonly when: string | null;
  /** The setting without which a relay does not have it. */
  readonly needs?: string;
  /** Of a counter: with which labels it begins at 0. Absent: with all. */
  readonly zeros?: readonly Readonly<Record<string, string>>[];
};

/** Upper bounds, seconds. */
export const LATENCY_SECONDS = [
  0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 1.5, 2.5, 5, 10, 30, 60, 300, 600,
];

/** Upper bounds, seconds: what of the relay's own is in front of a call. */
export const SHARE_SECONDS = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 1.5, 2.5, 5, 10, 30, 60, 300, 600,
];

const API_LIMIT = oneOf('requests', 'input_tokens', 'output_tokens');
const OF_ACTION = { action: ACTION, model: MODEL };

/** Codes that the ending of a stream can have. */
function isEnding(code: string): boolean {
  return code.startsWith('upstream_') || ['internal', 'interrupted', 'abandoned'].includes(code);
}

const HANDSHAKES = [
  'accepted',
  'unauthorized',
  'forbidden',
  'rate_limited',
  'too_many_connections',
  'shutting_down',
  'unavailable',
  'internal',
];

export const METRICS = {
  dash_build_info: {
    type: 'gauge',
    merge: 'first',
    help: '1, by the version of the relay and of Node',
    labels: { version: VERSION, node: VERSION },
    when: 'machines differ longer than a deploy takes',
  },

  // Connections and requests.
  dash_connections: {
    type: 'gauge',
    merge: 'sum',
    help: 'WebSockets open',
    when: 'it falls suddenly, or comes near `MAX_CONNECTIONS`',
  },
  dash_connections_closed_total: {
    type: 'counter',
    help: 'WebSockets closed, by close code',
    labels: { code: CLOSE_CODE },
    when: '1006 or 4408 rises: the network, or the proxy in front',
  },
  dash_upgrades_total: {
    type: 'counter',
    help: 'Handshakes, by outcome: accepted, or the error code',
    labels: { outcome: UPGRADE_OUTCOME },
    when: '`unauthorized` rises after a change of keys; `unavailable`: no keys, or full',
    zeros: HANDSHAKES.map((outcome) => ({ outcome })),
  },
  dash_refusals_total: {
    type: 'counter',
    help: 'Handshakes, frames and requests refused, by door, what they were, error code and reason',
    labels: { door: DOOR, of: REFUSED, code: CODE, reason: REFUSAL_REASON },
    when: 'a `reason` rises: which, and at which door, says what to look at (below)',
    zeros: [],
  },
  dash_http_requests_total: {
    type: 'counter',
    help: 'HTTP requests answered, by route and status',
    labels: { route: ROUTE, status: STATUS },
    when: '5xx of a route rises: `dash_refusals_total` says why; 404 of `other`: somebody tries paths',
    zeros: ROUTE.values.map((route) => ({ route, status: route === OTHER ? '404' : '200' })),
  },
  dash_http_connections: {
    type: 'gauge',
    merge: 'sum',
    help: 'TCP connections of the public port that are no WebSocket',
    when: 'it stays high: somebody holds connections',
  },
  dash_request_body_bytes: {
    type: 'gauge',
    merge: 'sum',
    help: 'Bytes of request bodies on their way',
    when: 'it stays high: somebody sends bodies that do not end',
  },
  dash_uploads_total: {
    type: 'counter',
    help: 'Files that were taken by POST /v1/uploads, by what they are',
    labels: { type: UPLOAD_TYPE },
    when: 'none come any more, or `dash_refusals_total{door="uploads"}` rises: its `reason` says what people send',
  },
  dash_uploads_held: {
    type: 'gauge',
    merge: 'sum',
    help: 'Files that wait for a question on this machine; in Redis, 0',
    when: null,
  },
  dash_uploads_held_bytes: {
    type: 'gauge',
    merge: 'sum',
    help: 'The same, bytes',
    when: 'it stays near UPLOADS_TOTAL_BYTES: files are refused (`reason="uploads"`); raise it, or lower UPLOAD_TTL_MS',
  },
  dash_passed_on_total: {
    type: 'counter',
    help: 'Requests passed on to an old function, by its name, how that went, and the class of its status',
    labels: { name: OLD_FUNCTION, outcome: PASSED_ON_OUTCOME, status: STATUS_CLASS },
    when: '`failed` or `late` rises: the old functions (`LEGACY_FUNCTIONS_URL`); `redirect`: the key is wrong; nothing for a week: unset it',
    zeros: [
      { name: 'ai-gateway', outcome: 'answered', status: '2xx' },
      { name: 'ai-proxy', outcome: 'answered', status: '2xx' },
    ],
  },

  // Streams.
  dash_live_streams: {
    type: 'gauge',
    merge: 'sum',
    help: 'Streams that have not ended',
    when: 'it falls suddenly',
  },
  dash_streams: {
    type: 'gauge',
    merge: 'sum',
    help: 'Streams that have not ended, by how far they are: before the call, while the model answers, after it',
    labels: { state: oneOf('opening', 'live', 'settling') },
    when: '`opening` stays high: quotas (Postgres) or the disk are slow; `settling`: the disk',
  },
  dash_action_streams_total: {
    type: 'counter',
    help: 'Streams ended, by action, model and status',
    labels: { ...OF_ACTION, status: ENDED },
    when: '`error` of one model or action rises: see to that one',
  },
  dash_streams_ended_total: {
    type: 'counter',
    help: 'Streams ended, by status and error code',
    labels: { status: ENDED, code: ENDED_CODE },
    when: 'of `status="error"`, `upstream_*` rises: the model; `internal`: a bug, the log line has the stack',
    zeros: [
      { status: 'done', code: 'none' },
      { status: 'cancelled', code: 'none' },
      ...CODE.values.filter(isEnding).map((code) => ({ status: 'error', code })),
    ],
  },
  dash_first_token_seconds: {
    type: 'histogram',
    help: 'From the arrival of a start to its first text',
    when: 'p95 above 1.5 s',
  },
  dash_first_token_model_seconds: {
    type: 'histogram',
    help: 'Of the time to the first text, from the call of the model on, all its tries and tools included',
    when: 'p95 rises with `dash_first_token_seconds`: the model is slow, or the way to it; nothing here helps',
  },
  dash_first_token_relay_seconds: {
    type: 'histogram',
    help: 'Of the time to the first text, what was before the call: limits, quota, intent',
    when: 'p95 above 0.05 s: Postgres (quotas), the disk (intents), or the event loop',
  },
  dash_delta_gap_seconds: {
    type: 'histogram',
    help: 'Time between two deltas of a stream, as they arrive from the model',
    when: 'p99 above 2.5 s: the model stalls in the middle of answers, or the network to it',
  },
  dash_stream_duration_seconds: {
    type: 'histogram',
    help: 'From the arrival of a start to its ending',
    when: null,
  },
  dash_cancel_upstream_closed_seconds: {
    type: 'histogram',
    help: 'From a cancel to the close of the upstream request',
    when: 'p95 above 0.1 s: the process has no time (event loop), or the way to the model is slow',
  },
  dash_deltas_total: { type: 'counter', help: 'Deltas of ended streams', when: null },
  dash_text_bytes_total: { type: 'counter', help: 'UTF-8 bytes of text of ended streams', when: null },
  dash_resumes_total: {
    type: 'counter',
    help: 'Streams resumed',
    when: 'it rises with `dash_connections_closed_total`: connections are lost, and readers come back',
  },
  dash_resume_outcomes_total: {
    type: 'counter',
    help: 'What came of asking to read on: from this machine, from another, nothing left of it, or refused',
    labels: { outcome: oneOf('local', 'remote', 'gone', 'refused') },
    when: '`gone` rises: clients come back after the resume window, or to a machine that does not know the stream (Redis); `refused`: limits',
  },
  dash_slow_readers_total: {
    type: 'counter',
    help: 'Readers that took less than there was, so that it waited in the log; those of them that were closed',
    labels: { outcome: oneOf('held', 'closed') },
    when: '`closed` rises: clients or a proxy stop reading, or memory is short',
  },
  dash_stream_log_bytes: {
    type: 'gauge',
    merge: 'sum',
    help: 'Bytes held by all stream logs',
    when: 'near `STREAM_LOG_TOTAL_BYTES`: old answers can no longer be resumed',
  },

  // Streams as apps measured them, at the other end of the network.
  dash_client_first_token_seconds: {
    type: 'histogram',
    help: 'From the question to its first text as apps measured it, by transport',
    labels: { transport: CLIENT_TRANSPORT },
    when: 'p95 far above that of `dash_first_token_seconds`: the network of the users, or connections that have to be made first',
  },
  dash_client_stream_seconds: {
    type: 'histogram',
    help: 'From the question to its ending as apps measured it, by transport',
    labels: { transport: CLIENT_TRANSPORT },
    when: null,
  },
  dash_client_streams_total: {
    type: 'counter',
    help: 'Streams that apps reported, by transport and status',
    labels: { transport: CLIENT_TRANSPORT, status: CLIENT_STATUS },
    when: '`fallback` rises: apps do not reach the relay, or it is switched off; `json` instead of `websocket`: a network blocks it',
  },
  dash_client_errors_total: {
    type: 'counter',
    help: 'Streams that failed for their users as apps reported, by platform and error code',
    labels: { platform: CLIENT_PLATFORM, code: CLIENT_CODE },
    when: '`unreachable` rises: apps do not get here, which no other metric shows: DNS, TLS, the proxy in front, the network',
    zeros: CLIENT_PLATFORM.values.flatMap((platform) =>
      (['unreachable', 'interrupted'] as const).map((code) => ({ platform, code })),
    ),
  },
  dash_client_reports_total: {
    type: 'counter',
    help: 'Reports of streams from apps: counted, over the limit of their user, or lost on their way',
    labels: { outcome: REPORT_OUTCOME },
    when: '`over_limit` rises: a program reports without end; `lost`: apps have no network; refused ones are `dash_refusals_total{door="client_metrics"}`',
  },
  dash_answer_reports_total: {
    type: 'counter',
    help: 'Answers that people reported, by what they say is wrong with them',
    labels: { category: REPORT_CATEGORY },
    when: 'It rises, or one is `unsafe` or `private`: `dash-relay reports` lists them',
  },

  dash_answers_kept_total: {
    type: 'counter',
    help: 'Answers that are kept with their ending, could not be, or were asked for and cannot be opened',
    labels: { outcome: KEPT_OUTCOME },
    when: '`lost` or `unopened` rises: the log says of which run, and why',
  },

  // The model.
  dash_upstream_requests: {
    type: 'gauge',
    merge: 'sum',
    help: 'Upstream requests open',
    when: 'it stays above `dash_live_streams`: requests leak',
  },
  dash_switch: {
    type: 'gauge',
    merge: 'min',
    help: 'How a switch stands here: relay and streaming 0 or 1, websocket_percent 0 to 100',
    labels: { name: SWITCH },
    when: 'machines differ: `/readyz` of each says where it is set',
  },
  dash_revocations: {
    type: 'gauge',
    merge: 'max',
    help: 'Revocations that hold here, by what is revoked',
    labels: { of: REVOKED_BY },
    when: 'machines differ for more than a second: one does not hear of them (`dash_revocations_up`)',
  },
  dash_revoked_total: {
    type: 'counter',
    help: 'What went on by a token as it was revoked, and was ended: connections, streams, and requests that read a stream',
    labels: { what: ENDED_BY_REVOCATION },
    when: 'it rises and nobody revoked anything: `dash-relay revoke --list` says what there is',
  },
  dash_settings_reloads_total: {
    type: 'counter',
    help: 'Times that the files of actions, plans, prices and models were read again, by what came of it',
    labels: { outcome: RELOAD_OUTCOME },
    when: '`refused` rises: the files cannot be used, those before hold, and the next start would fail',
  },
  dash_upstream_account_fails: {
    type: 'gauge',
    merge: 'max',
    help: "1 while the account at the model's API does not work",
    when: "1: the account at the model's API does not work, nobody gets an answer",
  },
  dash_upstream_responses_total: {
    type: 'counter',
    help: 'Tries at the model that are over, by the status of the response and what the API called its error',
    labels: { status: API_STATUS, error_code: API_ERROR },
    when: '429: see `dash_upstream_limit_remaining`; 529: the model is overloaded; 401 to 403: the account; `none`: the network',
    zeros: [
      { status: '200', error_code: 'none' },
      { status: '429', error_code: 'rate_limit_error' },
      { status: '529', error_code: 'overloaded_error' },
      { status: '500', error_code: 'api_error' },
      { status: 'none', error_code: 'none' },
    ],
  },
  dash_upstream_limit: {
    type: 'gauge',
    merge: 'max',
    help: "The account's rate limits, by the last answer of the API",
    labels: { limit: API_LIMIT },
    when: null,
    needs: 'an API that says them',
  },
  dash_upstream_limit_remaining: {
    type: 'gauge',
    merge: 'min',
    help: "What is left of the account's rate limits, by the last answer of the API",
    labels: { limit: API_LIMIT },
    when: 'below a tenth of `dash_upstream_limit`: ask for a higher limit, or send users to other models',
    needs: 'an API that says them',
  },
  dash_fallbacks_total: {
    type: 'counter',
    help: "Times that an action's fallback was asked instead of its model, by the error code of that one",
    labels: { reason: CODE },
    when: "it rises: an action's model is overloaded or not reached, and its fallback answers, or fails too",
    zeros: ['upstream_overloaded', 'upstream_error', 'upstream_timeout'].map((reason) => ({ reason })),
  },
  dash_prompt_counts_total: {
    type: 'counter',
    help: 'Prompts above COUNT_TOKENS_ABOVE, by what came of counting them',
    labels: {
      outcome: oneOf('counted', 'aborted', 'busy', 'paused', 'unanswered', 'refused', 'malformed'),
    },
    when: '`refused`, `unanswered` or `malformed` rises: long prompts stay reserved by their estimate (below)',
  },
  dash_models_retired: {
    type: 'gauge',
    merge: 'max',
    help: 'Models that settings name and that are retired, by the models file or the API',
    when: 'over 0: a setting names a model that is gone; `/readyz` and the log say which',
  },
  dash_models_deprecated: {
    type: 'gauge',
    merge: 'max',
    help: 'Models that settings name and that will retire',
    when: 'over 0: name another before the day that `/readyz` gives ([models.md](models.md))',
  },
  dash_models_unlisted: {
    type: 'gauge',
    merge: 'max',
    help: 'Models that settings name and the API does not list',
    when: 'over 0: a name is misspelt, not for this key, or gone; `/readyz` and the log say which',
  },
  dash_models_differs: {
    type: 'gauge',
    merge: 'max',
    help: 'Models that settings name and of which the API says otherwise than the models file',
    when: 'over 0: bring the models file up to date ([models.md](models.md))',
  },
  dash_tool_calls_total: {
    type: 'counter',
    help: 'Calls of tools that models asked for, by tool and outcome',
    labels: { tool: TOOL, outcome: TOOL_OUTCOME },
    when: '`late`, `failed` or `status` rises: the endpoint of that tool; `bad_input` or `unknown_tool`: its schema or description misleads the model ([tools.md](tools.md))',
  },
  dash_tool_call_seconds: {
    type: 'histogram',
    help: 'How long calls of tools took, by tool',
    labels: { tool: TOOL },
    when: 'near the `timeoutMs` of the tool: users wait for it',
  },

  // Money.
  dash_tokens_total: {
    type: 'counter',
    help: 'Tokens of ended streams, by kind and source of the count',
    labels: {
      kind: oneOf('input', 'output', 'cache_read', 'cache_write'),
      source: oneOf('final', 'estimated', 'input_only', 'none'),
    },
    when: null,
  },
  dash_cache_tokens_total: {
    type: 'counter',
    help: "Prompt tokens of ended streams in the API's cache, by action, model and kind: write or read",
    labels: { ...OF_ACTION, kind: oneOf('write', 'read') },
    when: '`write` rises and `read` does not: what is written to the cache of the API is never read (below)',
  },
  dash_cost_usd_total: {
    type: 'counter',
    help: 'What ended streams cost, US dollars, by action and model',
    labels: OF_ACTION,
    when: 'a day costs more than the day before: `sum by (action, model) (increase(dash_cost_usd_total[1d]))`',
  },
  dash_unpriced_streams_total: {
    type: 'counter',
    help: 'Ended streams whose cost is not known: their model has no price',
    labels: OF_ACTION,
    when: "over 0: answers in no budget's price list; add the model to PRICES_FILE",
  },

  dash_cache_savings_usd_total: {
    type: 'counter',
    help: "What the API's prompt cache saved of the cost of streams, US dollars, by action and model",
    labels: OF_ACTION,
    when: null,
  },
  dash_cache_losses_usd_total: {
    type: 'counter',
    help: "What the API's prompt cache cost streams that wrote to it and read less, US dollars, by action and model",
    labels: OF_ACTION,
    when: 'it rises more than `dash_cache_savings_usd_total`: set `cache` of the action to `"off"` ([caching.md](caching.md))',
  },
  dash_estimated_streams_total: {
    type: 'counter',
    help: 'Ended streams whose tokens are estimated, in part or whole: they stopped before the count of the model came',
    labels: OF_ACTION,
    when: 'its share of `dash_action_streams_total` rises: streams are cut, and rows differ from the bill',
  },
  dash_quota_refusals_total: {
    type: 'counter',
    help: 'Starts refused by a quota or the budget, by which: used up, or reserved by live answers',
    labels: { limit: QUOTA_LIMIT },
    when: '`spending` rises: nobody gets an answer until midnight UTC, or the budget is raised; others: users meet their plan',
  },

  // Where tokens, rows and limits are kept.
  dash_keys_up: {
    type: 'gauge',
    merge: 'min',
    help: '1 while tokens can be checked: keys at hand, or a key set that is an hour old at most',
    when: '0: nobody gets in (below: all handshakes get 503)',
  },
  dash_keys_age_seconds: {
    type: 'gauge',
    merge: 'max',
    help: 'Since the key set was fetched',
    when: 'above 1800: fetches fail (`key set not loaded`); after 3600 nobody gets in',
    needs: 'SUPABASE_URL',
  },
  dash_postgres_up: {
    type: 'gauge',
    merge: 'min',
    help: '1 while Postgres takes usage rows and answers quotas',
    when: '0: rows wait on the disk, and each machine counts quotas for itself; nothing is lost',
    needs: 'DATABASE_URL',
  },
  dash_ledger_degraded: {
    type: 'gauge',
    merge: 'max',
    help: '1 while usage rows cannot be written',
    when: '1: the disk takes no writes; new answers are refused',
  },
  dash_quota_alone: {
    type: 'gauge',
    merge: 'max',
    help: '1 while Postgres cannot be asked for quotas',
    when: '1: each machine counts for itself; see to Postgres',
  },
  dash_quota_undelivered: {
    type: 'gauge',
    merge: 'sum',
    help: 'Settlements Postgres has not heard of',
    when: 'it rises for minutes: Postgres is away or slow',
  },
  dash_usage_rows_waiting: {
    type: 'gauge',
    merge: 'sum',
    help: 'Usage rows not yet in Postgres',
    when: 'it rises for minutes: Postgres is away; nothing is lost, rows wait on the disk',
    needs: 'DATABASE_URL',
  },
  dash_usage_rows_quarantined: {
    type: 'gauge',
    merge: 'sum',
    help: 'Usage rows that Postgres refuses',
    when: 'over 0: a constraint of the database refuses them; the log says which',
    needs: 'DATABASE_URL',
  },
  dash_answers_waiting: {
    type: 'gauge',
    merge: 'sum',
    help: 'Kept answers that ended, on disk and not yet in Postgres',
    when: 'it grows for 10 minutes: Postgres is away, or has no place for them; the log says which',
    needs: 'DATABASE_URL',
  },
  dash_answers_refused: {
    type: 'gauge',
    merge: 'sum',
    help: 'Of these, answers that Postgres refuses',
    when: 'over 0: a constraint of the database refuses them; the log says which',
    needs: 'DATABASE_URL',
  },
  dash_answers_oldest_waiting_seconds: {
    type: 'gauge',
    merge: 'max',
    help: 'How long ago the first of them ended',
    when: 'over 600',
    needs: 'DATABASE_URL',
  },
  dash_usage_oldest_waiting_seconds: {
    type: 'gauge',
    merge: 'max',
    help: 'Age of the oldest usage row not yet in Postgres',
    when: 'above 300: rows do not get there',
    needs: 'DATABASE_URL',
  },
  dash_webhook_deliveries_total: {
    type: 'counter',
    help: 'Requests to the webhook, by outcome',
    labels: { outcome: WEBHOOK_OUTCOME },
    when: 'anything but `delivered` for minutes: the endpoint; `address`: it leads inside, and WEBHOOK_ALLOW_PRIVATE is off ([webhooks.md](webhooks.md))',
    needs: 'WEBHOOK_URL',
  },
  dash_webhook_delivery_seconds: {
    type: 'histogram',
    help: 'How long requests to the webhook took',
    when: 'seconds: the endpoint does its work before it answers; it has 15 s',
    needs: 'WEBHOOK_URL',
  },
  dash_webhook_events_waiting: {
    type: 'gauge',
    merge: 'sum',
    help: 'Events that the webhook has not taken yet',
    when: 'it rises for minutes: the endpoint is away; nothing is lost, events wait on the disk',
    needs: 'WEBHOOK_URL',
  },
  dash_webhook_events_dead: {
    type: 'gauge',
    merge: 'sum',
    help: 'Events that were given up after two days of attempts',
    when: 'over 0: `dash-relay webhooks list`, and `resend` once the endpoint takes them; they go after 30 days',
    needs: 'WEBHOOK_URL',
  },
  dash_webhook_oldest_waiting_seconds: {
    type: 'gauge',
    merge: 'max',
    help: 'Age of the oldest event that the webhook has not taken',
    when: 'above 300: users are not told',
    needs: 'WEBHOOK_URL',
  },
  dash_mirror_up: {
    type: 'gauge',
    merge: 'min',
    help: "1 while runs can be copied into the app's table; 0 also without a mirror",
    when: '0 with a mirror: a lock on the table of the app, or Postgres being away',
    needs: 'DATABASE_URL',
  },
  dash_mirror_rows_waiting: {
    type: 'gauge',
    merge: 'max',
    help: "Runs not yet copied into the app's table, of all relays",
    when: 'it rises for minutes: as above',
    needs: 'DATABASE_URL',
  },
  dash_mirror_rows_refused: {
    type: 'gauge',
    merge: 'max',
    help: "Runs that the app's table refused, of all relays: tried again",
    when: 'over 0: the table or its mapping does not fit; the log says where (below)',
    needs: 'DATABASE_URL',
  },
  dash_mirror_problems: {
    type: 'gauge',
    merge: 'max',
    help: "Ways in which the app's table does not fit, each a line of the log",
    when: 'over 0: each line of the log says what to do',
    needs: 'DATABASE_URL',
  },
  dash_identity_up: {
    type: 'gauge',
    merge: 'min',
    help: '1 while IDENTITY_VIEW can be read',
    when: "0: tier and school are those read before, or the token's ([identity.md](identity.md))",
    needs: 'IDENTITY_VIEW',
  },
  dash_identity_cached: {
    type: 'gauge',
    merge: 'sum',
    help: 'Users whose tier and organisation are at hand',
    when: null,
    needs: 'IDENTITY_VIEW',
  },
  dash_identity_lookups_total: {
    type: 'counter',
    help: 'Tiers and organisations looked up, by where they came from: hit, miss, stale, unknown',
    labels: { outcome: oneOf('hit', 'miss', 'stale', 'unknown') },
    when: '`unknown` rises: users are served by their token alone, often as `free`',
    needs: 'IDENTITY_VIEW',
  },

  // Other machines.
  dash_redis_up: {
    type: 'gauge',
    merge: 'min',
    help: '1 while all that machines share works: commands, publishing and the own mailbox',
    when: "0: machines cannot continue one another's streams; each goes on alone. 1 only while commands, publishing and the own mailbox all work",
    needs: 'REDIS_URL',
  },
  dash_redis_failures_total: {
    type: 'counter',
    help: 'Times that Redis became unusable, by reason',
    labels: { reason: REDIS_REASON },
    when: 'it rises: how often Redis became unusable, and why',
    needs: 'REDIS_URL',
    zeros: ['ECONNREFUSED', 'CLOSED', 'TIMEOUT', 'DEAF'].map((reason) => ({ reason })),
  },
  dash_revocations_up: {
    type: 'gauge',
    merge: 'min',
    help: '1 while the revocations of the fleet could be read when they were asked for last, within a second',
    when: '0: this machine holds to those it knows, and hears of no new one (`dash-relay revoke --file` sets them there)',
    needs: 'REDIS_URL',
  },
  dash_streams_published: {
    type: 'gauge',
    merge: 'sum',
    help: 'Streams not wholly with Redis yet',
    when: 'far above `dash_live_streams`: endings wait for Redis',
    needs: 'REDIS_URL',
  },
  dash_streams_followed: {
    type: 'gauge',
    merge: 'sum',
    help: 'Streams of other machines that are read here',
    when: 'it stays high: clients come back to other machines than those that answer them',
    needs: 'REDIS_URL',
  },

  // The relay itself.
  dash_workers: {
    type: 'gauge',
    merge: 'sum',
    help: 'Processes of WORKERS that serve',
    when: 'below WORKERS for longer than a start takes: the log says why one ended (`a worker ended by itself`)',
    needs: 'WORKERS',
  },
  dash_worker_restarts_total: {
    type: 'counter',
    help: 'Processes of WORKERS that ended by themselves and were started again',
    when: 'it rises: each time the live answers of one ended as `interrupted`',
    needs: 'WORKERS',
  },
  dash_worker_connections: {
    type: 'gauge',
    merge: 'sum',
    help: 'WebSockets open, of each process of WORKERS',
    labels: { worker: WORKER },
    when: 'one has far fewer than the others: it was begun again, and has those that came since',
    needs: 'WORKERS',
  },
  dash_worker_live_streams: {
    type: 'gauge',
    merge: 'sum',
    help: 'Streams that have not ended, of each process of WORKERS',
    labels: { worker: WORKER },
    when: null,
    needs: 'WORKERS',
  },
  dash_worker_cpu_seconds_total: {
    type: 'counter',
    help: 'CPU that each process of WORKERS has used, since it was begun',
    labels: { worker: WORKER },
    when: '`rate(…[5m])` of one above 0.8: its streams take turns on one thread, and soon wait for it',
    needs: 'WORKERS',
  },
  dash_worker_resident_memory_bytes: {
    type: 'gauge',
    merge: 'sum',
    help: 'Memory of each process of WORKERS',
    labels: { worker: WORKER },
    when: 'one is far above the others, and stays there',
    needs: 'WORKERS',
  },
  dash_worker_eventloop_lag_seconds: {
    type: 'gauge',
    merge: 'max',
    help: 'How late the event loop of each process of WORKERS is, 99th percentile',
    labels: { worker: WORKER },
    when: 'above 0.1 of one: its streams are late by that',
    needs: 'WORKERS',
  },
  dash_memory_limit_bytes: {
    type: 'gauge',
    merge: 'max',
    help: "The container's memory limit, or the memory of the machine where it has none; less where MEMORY_LIMIT_BYTES says so",
    when: '`dash_process_resident_memory_bytes` above 80 % of it: new questions are refused',
  },
  dash_overloaded: {
    type: 'gauge',
    merge: 'max',
    help: '1 while no new question and no new connection is taken, by what there is too little of; live answers go on',
    labels: { cause: OVERLOAD },
    when: '1 for longer than a minute: a larger machine, or another one beside it',
  },
  dash_failures_total: {
    type: 'counter',
    help: 'Errors that no client could be told of',
    labels: { what: FAILED_PART },
    when: 'it rises: each has a log line `failed`',
  },
  dash_log_lines_dropped: {
    type: 'gauge',
    merge: 'sum',
    help: 'Log lines lost: their reader stalled',
    when: 'it rises: whoever reads the log is too slow',
  },
} as const satisfies Readonly<Record<string, MetricDefinition>>;

export type MetricName = keyof typeof METRICS;
