-- What answers cost the operator is the operator's to tell (SHOW_COST): users read their own runs, without their costs.
-- Columns that a later file adds are not theirs until it says so. An operator who shows costs grants them:
--   GRANT SELECT (cost_usd, output_cost_usd, price_version) ON dash_relay.usage TO authenticated;
DO $$
BEGIN
  REVOKE SELECT ON dash_relay.usage FROM authenticated;
  GRANT SELECT (
    epoch, stream_id, user_id, organization_id, action, model, served_model, status, code, source, input_tokens,
    output_tokens, cache_read_tokens, cache_write_tokens, cache_write_1h_tokens, first_token_ms, total_ms, request_id,
    started_at, ended_at, received_at
  ) ON dash_relay.usage TO authenticated;
EXCEPTION WHEN undefined_object THEN
  NULL;
END $$;
