/**
 * Labels of the metrics: each has a closed set of values, so that nobody outside can make time series. What comes from
 * outside and is not of its set counts as `other`.
 */
import { REPORT_CATEGORIES } from '../protocol/answer-report.ts';
import { CLOSE_CODES, ERROR_NAMES } from '../protocol/codes.ts';
import {
  CLIENT_CODES,
  REPORTED_PLATFORMS,
  REPORTED_STATUSES,
  REPORTED_TRANSPORTS,
} from '../protocol/streaming-metrics.ts';

export interface LabelSet<Value extends string = string> {
  /** What the values are, where they are too many to list. */
  readonly are?: string;
  /** All there are. Absent: names of the operator's own files, or of this process. */
  readonly values?: readonly Value[];
}

/** Of what is in no set. */
export const OTHER = 'other';

/** These, and no other. */
export function oneOf<const Value extends string>(...values: Value[]) {
  return { values };
}

/** The same, of values that are too many to list. */
function each<const Value extends string>(are: string, values: readonly Value[]) {
  return { are, values };
}

function named(are: string): LabelSet {
  return { are };
}

export const ACTION = named('an action of ACTIONS_FILE');
export const MODEL = named('a model as it was asked for');
export const TOOL = named('a tool of ACTIONS_FILE, or `unknown`');
export const VERSION = named('a version');
export const WORKER = named('the number of a process of WORKERS');

/** What became of an answer that was to be kept; `unopened`: one that was asked for and cannot be read. */
export const KEPT_OUTCOME = oneOf('kept', 'lost', 'unopened');

/** Why people report answers. */
export const REPORT_CATEGORY = oneOf(...REPORT_CATEGORIES);

export const CODE = each('an error code of PROTOCOL.md', ERROR_NAMES);
export const ENDED = oneOf('done', 'cancelled', 'error');
export const ENDED_CODE = each('an error code of PROTOCOL.md, or `none`', ['none', ...ERROR_NAMES]);
export const UPGRADE_OUTCOME = each('`accepted`, or an error code of PROTOCOL.md', [
  'accepted',
  ...ERROR_NAMES,
]);

/** Those of the protocol and of WebSocket itself; the others are a peer's invention. */
const KNOWN_CLOSE_CODES = [
  ...new Set(Object.values(CLOSE_CODES)),
  ...[1002, 1005, 1006, 1007, 1008, 1009, 1011, 1012, 1013],
].map(String);
export const CLOSE_CODE = each('a close code of PROTOCOL.md or of WebSocket, or `other`', [
  ...KNOWN_CLOSE_CODES,
  OTHER,
]);

export const DOOR = oneOf(
  'websocket',
  'sse',
  'json',
  'ai_gateway',
  'ai_proxy',
  'ai_sdk',
  'ai_sdk_websocket',
  'ag_ui',
  'session',
  'usage',
  'config',
  'actions',
  'client_metrics',
  'reports',
  'uploads',
  'dev_token',
  'http',
);
export const REFUSED = oneOf('upgrade', 'frame', 'start', 'resume', 'cancel', 'ack', 'request');

/** Quotas and budgets, by what they limit, whose, and for how long. */
const QUOTA_LIMITS = [
  'requests_of_user_per_month',
  'requests_of_organization_per_month',
  'tokens_of_user_per_day',
  'tokens_of_user_per_month',
  'tokens_of_organization_per_day',
  'tokens_of_organization_per_month',
  'spending',
] as const;
export const QUOTA_LIMIT = { values: QUOTA_LIMITS };

/** Words that tell the several reasons of one code apart. Where there is only one, the code is the reason. */
const REASONS = [
  // Tokens.
  'token_missing',
  'token_check_late',
  'too_long',
  'api_key',
  'malformed',
  'header',
  'algorithm',
  'key_id',
  'unknown_key',
  'signature',
  'issuer',
  'audience',
  'role',
  'subject',
  'expiry',
  'expired',
  'not_yet_valid',
  'issued_in_future',
  'is_anonymous',
  'revoked',
  'anonymous',
  'key_set_unavailable',
  'origin',
  // What is too many, too large or no HTTP.
  'headers',
  'not_http',
  'requests_of_connection',
  'requests_of_user',
  'unproven_of_connection',
  'unproven_of_address',
  'handshakes',
  'connections_of_user',
  'connections_of_address',
  'bodies_of_user',
  'bodies_of_address',
  'starts_of_user',
  'streams_of_user',
  'streams_of_connection',
  // Quotas.
  ...QUOTA_LIMITS,
  // The machine.
  'switched_off',
  'memory',
  'event_loop',
  'connections',
  'bodies',
  // Files.
  'uploads_of_user',
  'uploads',
  'animated',
  'damaged',
  'encrypted',
  'heic',
  'no_image',
  'pages',
  'pdf',
  'sides',
  'svg',
  // What the old functions did.
  'client_tools',
  'embeddings',
  'image_generation',
  'ocr',
  'text_to_speech',
  'transcription',
  'web_search',
  'passed_on_failed',
  'passed_on_late',
  'passed_on_too_large',
  'passed_on_redirect',
  'passed_on_circle',
  'passed_on_too_many',
] as const;
export const REFUSAL_REASON = each('which check it was, or the code where one check gives it', [
  ...REASONS,
  ...ERROR_NAMES,
]);

export const FAILED_PART = each('the part', [
  'uploads',
  'process',
  'request',
  'connect',
  'settle',
  'count of a prompt',
  'quota: Postgres',
  'identity: view',
  'identity: Postgres',
  'mirror',
  'ledger: a usage row was refused',
  'ledger: the usage ledger cannot be written',
  'ledger: unable to read the usage of a live run',
  'ledger: a run was settled that the usage ledger does not hold',
  'ledger: unable to read the usage ledger',
  'ledger: unable to keep the usage log short',
  'ledger: unable to checkpoint the usage log',
  'ledger: the checkpoint thread failed',
  OTHER,
]);

export const REDIS_REASON = each("a word of Redis's or Node's, or `other`", [
  'WRONGPASS',
  'NOAUTH',
  'NOPERM',
  'CROSSSLOT',
  'MOVED',
  'CLUSTERDOWN',
  'CERT_HAS_EXPIRED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'ERR_SSL_WRONG_VERSION_NUMBER',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'TIMEOUT',
  'ETIMEDOUT',
  'OOM',
  'READONLY',
  'LOADING',
  'BUSY',
  'MASTERDOWN',
  'TRYAGAIN',
  'MISCONF',
  'MAXCLIENTS',
  'DB_INDEX',
  'UNKNOWN_COMMAND',
  'EPIPE',
  'ECONNRESET',
  'CLOSED',
  'DEAF',
  'UNKNOWN',
  OTHER,
]);

/** As they are registered: `*` is a preflight. Handshakes of WebSockets are none of them. */
export const ROUTE = each('a route, or `other`', [
  '/v1/chat',
  '/v1/streams',
  '/v1/streams/:id',
  '/v1/streams/:id/state',
  '/v1/ag-ui',
  '/v1/ai-sdk',
  '/v1/ai-sdk/chat',
  '/v1/ai-sdk/chat/:id/stream',
  '/v1/session',
  '/v1/usage',
  '/v1/actions',
  '/v1/asyncapi.json',
  '/v1/config',
  '/v1/openapi.json',
  '/v1/client-metrics',
  '/v1/reports',
  '/v1/uploads',
  '/v1/uploads/:id',
  '/v1/ws',
  '/functions/v1/ai-gateway',
  '/functions/v1/ai-proxy',
  '/functions/v1/ai-gateway-ws',
  '/functions/v1/ai-proxy-ws',
  '/healthz',
  '/readyz',
  '/metrics',
  '/dev/token',
  '/',
  '/demo/:file',
  '*',
  OTHER,
]);

const STATUSES = [
  ...[200, 204, 206, 301, 302, 304, 308],
  ...[400, 401, 402, 403, 404, 405, 407, 408, 409, 410, 413, 415, 421, 422, 425, 426, 429, 431, 499],
  ...[500, 501, 502, 503, 504, 529],
].map(String);
export const STATUS = each('an HTTP status, or `other`', [...STATUSES, OTHER]);
export const API_STATUS = each('an HTTP status, `none` where no response came, or `other`', [
  ...STATUSES,
  'none',
  OTHER,
]);

/** What the API calls its errors: the exact code where there is one, or else the type. The last two are of what is none of its. */
export const API_ERROR = each("an error code or type of the API's, `none`, or `other`", [
  'invalid_request_error',
  'request_too_large',
  'authentication_error',
  'billing_error',
  'permission_error',
  'not_found_error',
  'conflict_error',
  'rate_limit_error',
  'api_error',
  'timeout_error',
  'overloaded_error',
  'enforced_spend_limit_reached',
  'contract_spend_limit_reached',
  'ramp_limit_exceeded',
  'linked_organization_billing_unavailable',
  'linked_organization_spend_limit_reached',
  'organization_on_hold',
  'cmek_key_disabled',
  'cmek_key_network_blocked',
  'cmek_key_unreachable',
  'user_profile_required',
  'user_profile_billing_not_authorized',
  'user_profile_not_billable',
  'thread_not_found',
  'image_dimensions_too_large',
  'request_body_encoding_invalid',
  'request_body_encoding_unsupported',
  'request_body_too_large_after_decoding',
  'tool_name_conflict',
  'tool_reference_unresolved',
  'available_tools_limit_exceeded',
  'not_an_event_stream',
  'malformed_event_stream',
  'none',
  OTHER,
]);

export const OLD_FUNCTION = oneOf('ai-gateway', 'ai-proxy');
export const PASSED_ON_OUTCOME = oneOf('answered', 'failed', 'late', 'too_large', 'redirect', 'caller_gone');
export const STATUS_CLASS = oneOf('none', '2xx', '3xx', '4xx', '5xx');

export const WEBHOOK_OUTCOME = oneOf(
  'delivered',
  'failed',
  'late',
  'redirect',
  'status',
  'gone',
  'address',
  'stopped',
);

export const TOOL_OUTCOME = oneOf(
  'answered',
  'failed',
  'late',
  'redirect',
  'status',
  'too_large',
  'not_text',
  'stopped',
  'bad_input',
  'unknown_tool',
  'too_many',
);

export const UPLOAD_TYPE = oneOf('image/jpeg', 'image/png', 'image/gif', 'image/webp', 'application/pdf');
export const REPORT_OUTCOME = oneOf('counted', 'over_limit', 'lost');
export const CLIENT_TRANSPORT = oneOf(...REPORTED_TRANSPORTS);
export const CLIENT_STATUS = oneOf(...REPORTED_STATUSES);
export const CLIENT_PLATFORM = oneOf(...REPORTED_PLATFORMS);
export const CLIENT_CODE = each(
  'an error code of PROTOCOL.md, one of the client (`unreachable`, `deadline_exceeded`, `closed`), or `none`',
  ['none', ...ERROR_NAMES, ...CLIENT_CODES],
);

/** The value if the set has it, or else `other`. */
export function known<Value extends string>(
  { values }: { readonly values: readonly Value[] },
  value: string,
): Value | typeof OTHER {
  return values.find((each) => each === value) ?? OTHER;
}

export const REVOKED_BY = oneOf('user', 'session', 'key');
export const ENDED_BY_REVOCATION = oneOf('connection', 'stream', 'request', 'upload');
export const SWITCH = oneOf('relay', 'streaming', 'websocket_percent');
export const OVERLOAD = oneOf('memory', 'event_loop');
export const RELOAD_OUTCOME = oneOf('done', 'refused', 'unchanged');
