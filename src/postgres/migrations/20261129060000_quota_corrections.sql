-- What a live run holds can be corrected: its prompt is counted while it is answered.

-- Puts these amounts in the place of what a run holds, whatever the limits are. False: it holds nothing, as it is not
-- known, has ended or has expired. Locks as a settlement does: the run, then its counters by key and period.
CREATE OR REPLACE FUNCTION dash_relay.quota_correct(
  p_epoch text, p_keys text[], p_periods text[], p_amounts bigint[]
) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  run dash_relay.quota_runs;
  held bigint[];
BEGIN
  SELECT * INTO run FROM dash_relay.quota_runs WHERE epoch = p_epoch AND state = 'reserved' FOR UPDATE;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  SELECT array_agg(-h.amount ORDER BY h.place) INTO held
    FROM unnest(run.amounts) WITH ORDINALITY AS h (amount, place);
  PERFORM dash_relay.quota_add(
    run.keys || p_keys, run.periods || p_periods,
    array_fill(0::bigint, ARRAY[cardinality(run.keys) + cardinality(p_keys)]), held || p_amounts);
  UPDATE dash_relay.quota_runs SET keys = p_keys, periods = p_periods, amounts = p_amounts WHERE epoch = p_epoch;
  RETURN true;
END $$;

REVOKE ALL ON FUNCTION dash_relay.quota_correct FROM PUBLIC;
GRANT EXECUTE ON FUNCTION dash_relay.quota_correct TO dash_relay_writer;
