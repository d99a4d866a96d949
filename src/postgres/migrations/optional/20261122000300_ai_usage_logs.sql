-- Optional: each run that arrives is also written to the app's own public.ai_usage_logs, so that screens and reports
-- built on that table go on as before. Applied only by `npm run migrate -- --with ai_usage_logs`.
--
-- The copy never stands in the way of the original: a row the app's table refuses is left out there and noted in
-- dash_relay.ai_usage_log_failures. Columns that the app's table has beyond these keep their defaults.

CREATE TABLE IF NOT EXISTS dash_relay.ai_usage_log_failures (
  epoch text PRIMARY KEY,
  sqlstate text NOT NULL,
  failed_at timestamptz NOT NULL DEFAULT now()
);
ALTER TABLE dash_relay.ai_usage_log_failures ENABLE ROW LEVEL SECURITY;

-- The app's columns for one run. Costs that numeric(8,6) cannot hold (100 dollars and more) are null there, with the
-- exact ones in the metadata.
CREATE OR REPLACE FUNCTION dash_relay.write_ai_usage_log(p_run dash_relay.usage) RETURNS void
LANGUAGE sql SET search_path = '' AS $$
  INSERT INTO public.ai_usage_logs (
    user_id, organization_id, service_type, ai_model_used, input_tokens, output_tokens, input_cost, output_cost,
    total_cost, response_time_ms, processing_time_ms, status, error_message, metadata, created_at)
  SELECT
    r.user_id,
    -- The app's organisations are UUIDs.
    CASE WHEN r.organization_id ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN r.organization_id::uuid END,
    CASE
      WHEN r.action IN ('lesson_generation', 'homework_help', 'grading_assistance', 'dash_conversation', 'conversation')
        THEN r.action
      WHEN r.action = 'chat' THEN 'dash_conversation'
      ELSE 'general'
    END,
    r.model,
    r.input_tokens + r.cache_read_tokens + r.cache_write_tokens,
    r.output_tokens,
    CASE WHEN r.cost_usd < 99.9999995 THEN r.cost_usd - r.output_cost_usd END,
    CASE WHEN r.cost_usd < 99.9999995 THEN r.output_cost_usd END,
    CASE WHEN r.cost_usd < 99.9999995 THEN r.cost_usd END,
    round(least(r.first_token_ms, 2147483647)),
    round(least(r.total_ms, 2147483647)),
    CASE
      -- What a user stopped was served.
      WHEN r.status <> 'error' THEN 'success'
      WHEN r.code = 'upstream_rate_limited' THEN 'rate_limited'
      ELSE 'error'
    END,
    r.code,
    jsonb_strip_nulls(jsonb_build_object(
      'source', 'dash_relay', 'epoch', r.epoch, 'stream_id', r.stream_id, 'action', r.action, 'ending', r.status,
      'usage_source', r.source, 'organization_id', r.organization_id, 'request_id', r.request_id,
      'cache_read_tokens', r.cache_read_tokens, 'cache_write_tokens', r.cache_write_tokens,
      'cost_usd', CASE WHEN r.cost_usd >= 99.9999995 THEN r.cost_usd END)),
    r.started_at
  FROM (SELECT p_run.*) AS r
$$;

-- A batch as one; where the app's table refuses some row of it, row by row, each within its own savepoint.
CREATE OR REPLACE FUNCTION dash_relay.copy_to_ai_usage_logs() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
  run dash_relay.usage;
BEGIN
  PERFORM dash_relay.write_ai_usage_log(ROW(a.*)::dash_relay.usage) FROM arrived AS a;
  RETURN NULL;
EXCEPTION WHEN OTHERS THEN
  FOR run IN SELECT * FROM arrived LOOP
    BEGIN
      PERFORM dash_relay.write_ai_usage_log(run);
    EXCEPTION WHEN OTHERS THEN
      INSERT INTO dash_relay.ai_usage_log_failures (epoch, sqlstate) VALUES (run.epoch, SQLSTATE)
        ON CONFLICT DO NOTHING;
    END;
  END LOOP;
  RETURN NULL;
END $$;

REVOKE ALL ON FUNCTION dash_relay.write_ai_usage_log, dash_relay.copy_to_ai_usage_logs FROM PUBLIC;
DROP TRIGGER IF EXISTS usage_to_ai_usage_logs ON dash_relay.usage;
CREATE TRIGGER usage_to_ai_usage_logs AFTER INSERT ON dash_relay.usage REFERENCING NEW TABLE AS arrived
  FOR EACH STATEMENT EXECUTE FUNCTION dash_relay.copy_to_ai_usage_logs();
