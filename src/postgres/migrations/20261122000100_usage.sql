-- One row for each run that has ended. Rows arrive once, in batches, and never change; a row that arrives again is
-- left as it is.

CREATE TABLE IF NOT EXISTS dash_relay.usage (
  epoch text PRIMARY KEY,                     -- the run's name everywhere
  stream_id text NOT NULL,                    -- as the client calls it
  user_id uuid NOT NULL,
  organization_id text,
  action text NOT NULL,
  model text NOT NULL,
  status text NOT NULL CHECK (status IN ('done', 'cancelled', 'error')),
  code text,                                  -- of an error
  source text NOT NULL CHECK (source IN ('final', 'estimated', 'input_only', 'none')),
  input_tokens integer NOT NULL,
  output_tokens integer NOT NULL,
  cache_read_tokens integer NOT NULL,
  cache_write_tokens integer NOT NULL,        -- of both lifetimes
  cache_write_1h_tokens integer NOT NULL,     -- of those, the ones of one hour
  cost_usd numeric(20, 12),                   -- exact; null: no price for the model
  output_cost_usd numeric(20, 12),            -- of that, the answer
  price_version text,                         -- the edition of the prices that was asked
  first_token_ms double precision,            -- null: none came
  total_ms double precision,
  request_id text,                            -- the upstream's
  instance text NOT NULL,                     -- the relay that ran it
  started_at timestamptz NOT NULL,
  ended_at timestamptz NOT NULL,
  received_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS usage_user ON dash_relay.usage (user_id, started_at);
CREATE INDEX IF NOT EXISTS usage_organization ON dash_relay.usage (organization_id, started_at)
  WHERE organization_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS usage_time ON dash_relay.usage (started_at);

-- The relay adds rows, and cannot read them back or change them. Users read their own.
ALTER TABLE dash_relay.usage ENABLE ROW LEVEL SECURITY;
GRANT INSERT ON dash_relay.usage TO dash_relay_writer;
DROP POLICY IF EXISTS usage_arrives ON dash_relay.usage;
CREATE POLICY usage_arrives ON dash_relay.usage FOR INSERT TO dash_relay_writer WITH CHECK (true);
DROP POLICY IF EXISTS usage_of_oneself ON dash_relay.usage;
CREATE POLICY usage_of_oneself ON dash_relay.usage FOR SELECT
  USING (user_id = (SELECT dash_relay.requesting_user()));
DO $$
BEGIN
  GRANT SELECT ON dash_relay.usage TO authenticated;
EXCEPTION WHEN undefined_object THEN
  NULL;
END $$;

-- Retention, for pg_cron or `npm run migrate`: deletes older runs in transactions of 10,000 rows, so that no lock is
-- held for long.
CREATE OR REPLACE PROCEDURE dash_relay.delete_usage_before(p_before timestamptz) LANGUAGE plpgsql AS $$
BEGIN
  LOOP
    DELETE FROM dash_relay.usage WHERE epoch IN (
      SELECT epoch FROM dash_relay.usage WHERE started_at < p_before ORDER BY started_at LIMIT 10000);
    EXIT WHEN NOT FOUND;
    COMMIT;
  END LOOP;
END $$;
REVOKE ALL ON PROCEDURE dash_relay.delete_usage_before(timestamptz) FROM PUBLIC;
