-- What is deleted for its age must be old by two clocks, Postgres's and the relay's: one that is wrong deletes nothing.

-- Forgets runs that ended a week ago, and counters that hold nothing of the months before the last, but for the latest
-- three months with counters.
CREATE OR REPLACE FUNCTION dash_relay.quota_forget(p_relay_now timestamptz) RETURNS void LANGUAGE sql AS $$
  DELETE FROM dash_relay.quota_runs
    WHERE state <> 'reserved' AND expires_at < least(now(), p_relay_now) - interval '7 days';
  DELETE FROM dash_relay.quota_counters
    WHERE reserved = 0
      AND period < to_char((least(now(), p_relay_now) AT TIME ZONE 'UTC') - interval '1 month', 'YYYY-MM')
      AND left(period, 7) < (
        SELECT DISTINCT left(period, 7) AS month FROM dash_relay.quota_counters ORDER BY month DESC LIMIT 1 OFFSET 2);
$$;

-- What relays of the release before call: they say nothing of their own clock.
CREATE OR REPLACE FUNCTION dash_relay.quota_purge() RETURNS void LANGUAGE sql AS $$
  SELECT dash_relay.quota_forget(now());
$$;

REVOKE ALL ON FUNCTION dash_relay.quota_forget FROM PUBLIC;
GRANT EXECUTE ON FUNCTION dash_relay.quota_forget TO dash_relay_writer;

-- Retention by age, for pg_cron: a run goes when the relay's clock (started_at) and Postgres's (received_at) both say it is
-- that old, seen from the earlier of now and the latest run. In transactions of 10,000 rows.
CREATE OR REPLACE PROCEDURE dash_relay.delete_usage_older_than(p_age interval) LANGUAGE plpgsql AS $$
DECLARE
  v_before timestamptz := least(now(), (SELECT max(started_at) FROM dash_relay.usage)) - p_age;
BEGIN
  LOOP
    DELETE FROM dash_relay.usage WHERE epoch IN (
      SELECT epoch FROM dash_relay.usage WHERE started_at < v_before AND received_at < v_before
      ORDER BY started_at LIMIT 10000);
    EXIT WHEN NOT FOUND;
    COMMIT;
  END LOOP;
END $$;
REVOKE ALL ON PROCEDURE dash_relay.delete_usage_older_than(interval) FROM PUBLIC;
