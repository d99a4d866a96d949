/** What of a run can be mirrored: each field's value as SQL over a row `run` of dash_relay.usage, and its kind. */

export type FieldKind = 'text' | 'uuid' | 'integer' | 'number' | 'dollars' | 'time' | 'boolean' | 'json';

export interface Field {
  readonly sql: string;
  readonly kind: FieldKind;
  /** When it has no value; undefined: it always has one. */
  readonly absent?: string;
}

const NO_PRICE = 'the model has no price';
const NO_ANSWER = 'no model answered';

function of(column: string, kind: FieldKind, absent?: string): Field {
  return { sql: `run.${column}`, kind, ...(absent === undefined ? {} : { absent }) };
}

export const FIELDS: Readonly<Record<string, Field>> = {
  epoch: of('epoch', 'text'),
  stream_id: of('stream_id', 'text'),
  user_id: of('user_id', 'uuid'),
  organization_id: of('organization_id', 'text', 'the user has no organisation'),
  action: of('action', 'text'),
  model: of('model', 'text'),
  served_model: of('served_model', 'text', NO_ANSWER),
  status: of('status', 'text'),
  code: of('code', 'text', 'the run ended without an error'),
  source: of('source', 'text'),
  /** What a user stopped was served. */
  outcome: {
    sql: `CASE WHEN run.status <> 'error' THEN 'success' WHEN run.code = 'upstream_rate_limited' THEN 'rate_limited' ELSE 'error' END`,
    kind: 'text',
  },
  input_tokens: of('input_tokens', 'integer'),
  output_tokens: of('output_tokens', 'integer'),
  cache_read_tokens: of('cache_read_tokens', 'integer'),
  cache_write_tokens: of('cache_write_tokens', 'integer'),
  thinking_tokens: of('thinking_tokens', 'integer'),
  web_searches: of('web_searches', 'integer'),
  prompt_tokens: {
    sql: '(run.input_tokens::bigint + run.cache_read_tokens + run.cache_write_tokens)',
    kind: 'integer',
  },
  total_tokens: {
    sql: '(run.input_tokens::bigint + run.cache_read_tokens + run.cache_write_tokens + run.output_tokens)',
    kind: 'integer',
  },
  cost_usd: of('cost_usd', 'dollars', NO_PRICE),
  output_cost_usd: of('output_cost_usd', 'dollars', NO_PRICE),
  input_cost_usd: { sql: '(run.cost_usd - run.output_cost_usd)', kind: 'dollars', absent: NO_PRICE },
  price_version: of('price_version', 'text', 'the run is older than its prices'),
  simulated: { sql: `(run.price_version IS NOT DISTINCT FROM 'simulated')`, kind: 'boolean' },
  uncharged: of('uncharged', 'boolean'),
  first_token_ms: of('first_token_ms', 'number', 'no word came'),
  total_ms: of('total_ms', 'number', 'the relay was killed'),
  request_id: of('request_id', 'text', NO_ANSWER),
  instance: of('instance', 'text'),
  started_at: of('started_at', 'time'),
  ended_at: of('ended_at', 'time'),
  /** What apps keep beside their own columns. A cost is in it where no column holds it: the statement adds that. */
  metadata: {
    sql: `jsonb_strip_nulls(jsonb_build_object(
      'source', 'dash_relay', 'epoch', run.epoch, 'stream_id', run.stream_id, 'action', run.action,
      'ending', run.status, 'usage_source', run.source, 'organization_id', run.organization_id,
      'request_id', run.request_id, 'cache_read_tokens', run.cache_read_tokens,
      'cache_write_tokens', run.cache_write_tokens))`,
    kind: 'json',
  },
};
