-- What people reported of answers: ids and a category; words only where the person sent them. Rows arrive once and never change.

CREATE TABLE IF NOT EXISTS dash_relay.reports (
  user_id uuid NOT NULL,                      -- who reports
  id text NOT NULL,                           -- as the client calls the report
  organization_id text,
  stream_id text NOT NULL,
  epoch text,                                 -- of the run; null: the client did not know it
  category text NOT NULL CHECK (category IN ('wrong', 'unkind', 'unsafe', 'private', 'other')),
  answer text,                                -- null: not sent
  note text,                                  -- the same
  reported_at timestamptz NOT NULL,
  received_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (user_id, id)
);
CREATE INDEX IF NOT EXISTS reports_time ON dash_relay.reports (reported_at);

-- The relay adds rows, and cannot read them back or change them. Nobody else may read them unless the owner says so.
ALTER TABLE dash_relay.reports ENABLE ROW LEVEL SECURITY;
GRANT INSERT ON dash_relay.reports TO dash_relay_writer;
DROP POLICY IF EXISTS reports_arrive ON dash_relay.reports;
CREATE POLICY reports_arrive ON dash_relay.reports FOR INSERT TO dash_relay_writer WITH CHECK (true);

-- With the user their reports go, whichever the policy: they are the user's own words. Otherwise as before.
CREATE OR REPLACE FUNCTION dash_relay.erase_user(p_user uuid) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
  v_pseudonym uuid := dash_relay.pseudonym_of(p_user);
  v_runs bigint;
BEGIN
  IF v_pseudonym IS NULL THEN
    RAISE EXCEPTION 'how users are erased is not chosen: run dash-relay migrate with ERASED_USERS';
  END IF;
  PERFORM pg_advisory_xact_lock(hashtext('dash_relay.erasure'));
  INSERT INTO dash_relay.erased_users (pseudonym) VALUES (v_pseudonym) ON CONFLICT DO NOTHING;
  -- The app's table has forgotten the user too, or will.
  DELETE FROM dash_relay.mirror_rows AS r USING dash_relay.usage AS u
    WHERE u.user_id = p_user AND r.epoch = u.epoch AND r.state <> 'copied';
  UPDATE dash_relay.usage
    SET user_id = dash_relay.erased_id(v_pseudonym), stream_id = 'erased', request_id = NULL WHERE user_id = p_user;
  GET DIAGNOSTICS v_runs = ROW_COUNT;
  DELETE FROM dash_relay.reports WHERE user_id = p_user;
  DELETE FROM dash_relay.quota_counters WHERE (key, period) IN (
    SELECT c.key, c.period FROM dash_relay.quota_counters AS c
    WHERE c.key LIKE '%:user:' || p_user::text ORDER BY c.key, c.period FOR UPDATE);
  RETURN v_runs;
END $$;

-- A report that arrives after its user was erased stays nowhere. One that arrives meanwhile waits.
CREATE OR REPLACE FUNCTION dash_relay.report_arriving() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  PERFORM pg_advisory_xact_lock_shared(hashtext('dash_relay.erasure'));
  IF EXISTS (SELECT FROM dash_relay.erased_users AS e WHERE e.pseudonym = dash_relay.pseudonym_of(NEW.user_id)) THEN
    RETURN NULL;
  END IF;
  RETURN NEW;
END $$;
DROP TRIGGER IF EXISTS reports_arrive ON dash_relay.reports;
CREATE TRIGGER reports_arrive BEFORE INSERT ON dash_relay.reports
  FOR EACH ROW EXECUTE FUNCTION dash_relay.report_arriving();
REVOKE ALL ON FUNCTION dash_relay.report_arriving FROM PUBLIC;

-- Retention, for pg_cron or the owner.
CREATE OR REPLACE PROCEDURE dash_relay.delete_reports_older_than(p_age interval) LANGUAGE sql AS $$
  DELETE FROM dash_relay.reports WHERE reported_at < now() - p_age
$$;
REVOKE ALL ON PROCEDURE dash_relay.delete_reports_older_than(interval) FROM PUBLIC;
