/** Runs as rows of dash_relay.usage (migrations/*usage.sql). Owns the statement; retries and judges nothing. */

import type { PostgresPool } from '../postgres/pool.ts';
import type { OutboxRow } from './outbox.ts';

/** The columns as the outbox sends them, with their types. */
const SENT: Readonly<Record<string, string>> = {
  epoch: 'text',
  stream_id: 'text',
  user_id: 'uuid',
  organization_id: 'text',
  action: 'text',
  model: 'text',
  served_model: 'text',
  status: 'text',
  code: 'text',
  source: 'text',
  input_tokens: 'integer',
  output_tokens: 'integer',
  cache_read_tokens: 'integer',
  cache_write_tokens: 'integer',
  cache_write_1h_tokens: 'integer',
  thinking_tokens: 'integer',
  web_searches: 'integer',
  inference_geo: 'text',
  service_tier: 'text',
  speed: 'text',
  uncharged: 'integer',
  cost_pico: 'numeric',
  output_cost_pico: 'numeric',
  price_version: 'text',
  first_token_ms: 'double precision',
  total_ms: 'double precision',
  request_id: 'text',
  started_at: 'bigint',
  ended_at: 'bigint',
};

/** Where a column has another name and unit in Postgres. */
const CONVERTED: Readonly<Record<string, readonly [name: string, value: string]>> = {
  cost_pico: ['cost_usd', 'cost_pico * 0.000000000001'],
  output_cost_pico: ['output_cost_usd', 'output_cost_pico * 0.000000000001'],
  uncharged: ['uncharged', 'uncharged = 1'],
  started_at: ['started_at', 'to_timestamp(started_at / 1000.0)'],
  ended_at: ['ended_at', 'to_timestamp(ended_at / 1000.0)'],
};

const columns = Object.keys(SENT);

/**
 * One statement commits by itself, so a batch arrives whole or not at all, through any pooler. One JSON text costs this
 * process half of what an array for each column does. The conflict has no target: naming one would need the right to read.
 */
const INSERT = `
  WITH arrived AS (INSERT INTO dash_relay.usage (instance, ${columns.map((name) => CONVERTED[name]?.[0] ?? name).join(', ')})
  SELECT $1, ${columns.map((name) => CONVERTED[name]?.[1] ?? name).join(', ')}
  FROM json_to_recordset($2) AS run (${columns.map((name) => `${name} ${SENT[name]}`).join(', ')})
  ON CONFLICT DO NOTHING)
  SELECT floor(extract(epoch FROM now()) * 1000)::double precision AS now`;

export interface UsageSink {
  /**
   * Resolves when all rows are committed, whether by this call or by one before it, with Postgres's time (whole Unix ms).
   * Without rows it shows whether rows would be taken.
   * @throws Error of the driver or of Postgres: nothing of the batch may have arrived, or all of it
   */
  insert(rows: readonly OutboxRow[]): Promise<number>;
  close(): Promise<void>;
}

/** @param instance the machine that ran what is inserted */
export function postgresUsageSink(
  pool: Pick<PostgresPool, 'queryInBackground' | 'close'>,
  instance: string,
): UsageSink {
  return {
    async insert(rows) {
      const sent = `[${rows.map(({ json }) => json).join(',')}]`;
      const [answer] = (await pool.queryInBackground(INSERT, [instance, sent])).rows as {
        readonly now: number;
      }[];
      if (answer === undefined) throw new Error('the insert answered nothing');
      return answer.now;
    },
    close: () => pool.close(),
  };
}
