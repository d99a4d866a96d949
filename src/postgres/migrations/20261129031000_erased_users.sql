-- What stays of a user who is erased: the runs, with their organisation, counts and costs, but not whose they were. Used only
-- where the operator chose how (ERASED_USERS, docs/postgres.md).

CREATE TABLE IF NOT EXISTS dash_relay.erasure (
  present boolean PRIMARY KEY DEFAULT true CHECK (present),
  policy text NOT NULL CHECK (policy IN ('clear', 'pseudonymise')),
  -- Without it nobody can tell which user a pseudonym was.
  salt text NOT NULL DEFAULT gen_random_uuid()::text || gen_random_uuid()::text
);

-- By their pseudonyms: runs that arrive later are theirs as well.
CREATE TABLE IF NOT EXISTS dash_relay.erased_users (
  pseudonym uuid PRIMARY KEY,
  erased_at timestamptz NOT NULL DEFAULT now()
);

-- Always the same for a user. A UUID of version 8, which is what others make up themselves.
CREATE OR REPLACE FUNCTION dash_relay.pseudonym_of(p_user uuid) RETURNS uuid LANGUAGE sql STABLE SET search_path = '' AS $$
  SELECT overlay(overlay(left(encode(sha256(convert_to(e.salt || p_user::text, 'UTF8')), 'hex'), 32)
    PLACING '8' FROM 13) PLACING '8' FROM 17)::uuid FROM dash_relay.erasure AS e
$$;

-- What stands in place of an erased user's id.
CREATE OR REPLACE FUNCTION dash_relay.erased_id(p_pseudonym uuid) RETURNS uuid LANGUAGE sql STABLE SET search_path = '' AS $$
  SELECT CASE e.policy WHEN 'clear' THEN '00000000-0000-0000-0000-000000000000' ELSE p_pseudonym END
  FROM dash_relay.erasure AS e
$$;

-- Erases a user; how many runs it was. Batches of runs that are arriving meanwhile are waited for, and the next ones wait.
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
  DELETE FROM dash_relay.quota_counters WHERE (key, period) IN (
    SELECT c.key, c.period FROM dash_relay.quota_counters AS c
    WHERE c.key LIKE '%:user:' || p_user::text ORDER BY c.key, c.period FOR UPDATE);
  RETURN v_runs;
END $$;

-- For a trigger on the app's table of users: auth.users, or another whose column `id` is the user's.
CREATE OR REPLACE FUNCTION dash_relay.erase_deleted_user() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  PERFORM dash_relay.erase_user(OLD.id);
  RETURN NULL;
END $$;

-- Runs that arrive after their user was erased.
CREATE OR REPLACE FUNCTION dash_relay.erase_arriving() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
  v_pseudonym uuid := dash_relay.pseudonym_of(NEW.user_id);
BEGIN
  IF EXISTS (SELECT FROM dash_relay.erased_users AS e WHERE e.pseudonym = v_pseudonym) THEN
    NEW.user_id := dash_relay.erased_id(v_pseudonym);
    NEW.stream_id := 'erased';
    NEW.request_id := NULL;
  END IF;
  RETURN NEW;
END $$;
CREATE OR REPLACE FUNCTION dash_relay.erase_awaits() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  PERFORM pg_advisory_xact_lock_shared(hashtext('dash_relay.erasure'));
  RETURN NULL;
END $$;

REVOKE ALL ON FUNCTION dash_relay.pseudonym_of, dash_relay.erased_id, dash_relay.erase_user, dash_relay.erase_deleted_user,
  dash_relay.erase_arriving, dash_relay.erase_awaits FROM PUBLIC;
ALTER TABLE dash_relay.erasure ENABLE ROW LEVEL SECURITY;
ALTER TABLE dash_relay.erased_users ENABLE ROW LEVEL SECURITY;
