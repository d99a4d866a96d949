-- Answers that are kept (KEEP_ANSWERS_HOURS): the text of what was answered and which run it was, never a question. A row is
-- written while its answer grows, and closed with its ending. Users read their own.

CREATE TABLE IF NOT EXISTS dash_relay.answers (
  epoch text PRIMARY KEY,                     -- the run's name everywhere
  stream_id text NOT NULL,                    -- as the client calls it
  user_id uuid NOT NULL,
  action text NOT NULL,
  model text NOT NULL,                        -- the one that was asked
  request_hash text NOT NULL,                 -- of the start, for one that comes again; sealed where the text is
  head integer NOT NULL,                      -- deltas that are here
  text_length integer NOT NULL,               -- of their text, UTF-16 units
  text json,                                  -- the answer as a JSON string; null: it goes on, or it is sealed
  lengths bytea,                              -- of its deltas
  sealed bytea,                               -- both of these by ANSWERS_KEY
  ending json,                                -- as it was told; null: it goes on, or its machine is gone
  started_at timestamptz NOT NULL,
  ended_at timestamptz,
  seen_at timestamptz NOT NULL DEFAULT now(), -- when its machine last said that it goes on
  keep_until timestamptz NOT NULL
);
CREATE INDEX IF NOT EXISTS answers_user ON dash_relay.answers (user_id, started_at DESC, epoch COLLATE "C" DESC);
CREATE INDEX IF NOT EXISTS answers_stream ON dash_relay.answers (user_id, stream_id);
CREATE INDEX IF NOT EXISTS answers_time ON dash_relay.answers (keep_until);

-- What a live answer has said so far, a second or so each; gone with its ending.
CREATE TABLE IF NOT EXISTS dash_relay.answer_pieces (
  epoch text NOT NULL REFERENCES dash_relay.answers ON DELETE CASCADE,
  after integer NOT NULL,                     -- seq before its first delta
  head integer NOT NULL,                      -- of its last
  piece bytea NOT NULL,                       -- lengths and text, or both sealed
  sealed boolean NOT NULL,
  PRIMARY KEY (epoch, after)
);

-- What users erased: nothing of it that arrives later stays. By their epochs; and by id and time, of what was not here yet.
CREATE TABLE IF NOT EXISTS dash_relay.forgotten_answers (
  epoch text PRIMARY KEY,
  until timestamptz NOT NULL
);
CREATE TABLE IF NOT EXISTS dash_relay.forgotten_streams (
  user_id uuid NOT NULL,
  stream_id text,                             -- null: all of the user
  forgotten_at timestamptz NOT NULL,
  until timestamptz NOT NULL
);
CREATE INDEX IF NOT EXISTS forgotten_streams_user ON dash_relay.forgotten_streams (user_id);

-- Relays have no right to the tables: they ask by the functions below, always for one user.
ALTER TABLE dash_relay.answers ENABLE ROW LEVEL SECURITY;
ALTER TABLE dash_relay.answer_pieces ENABLE ROW LEVEL SECURITY;
ALTER TABLE dash_relay.forgotten_answers ENABLE ROW LEVEL SECURITY;
ALTER TABLE dash_relay.forgotten_streams ENABLE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS answers_of_oneself ON dash_relay.answers;
CREATE POLICY answers_of_oneself ON dash_relay.answers FOR SELECT
  USING (user_id = (SELECT dash_relay.requesting_user()));
DO $$
BEGIN
  GRANT SELECT (epoch, stream_id, user_id, action, model, head, text_length, text, ending, started_at, ended_at, keep_until)
    ON dash_relay.answers TO authenticated;
EXCEPTION WHEN undefined_object THEN
  NULL;
END $$;

-- Takes answers as they are now: an array of objects, no run twice. What arrived before changes nothing. Returns the epochs of
-- those that are to be nowhere, since they were erased.
CREATE OR REPLACE FUNCTION dash_relay.keep_answers(p_answers json) RETURNS SETOF text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  -- An erasure waits for those that arrive, and those that come later for it.
  PERFORM pg_advisory_xact_lock_shared(hashtext('dash_relay.erasure'));
  RETURN QUERY
  WITH sent AS (
    SELECT a.*, to_timestamp(a.started / 1000.0) AS started_at
    FROM json_to_recordset(p_answers) AS a (
      epoch text, stream_id text, user_id uuid, action text, model text, request_hash text, head integer, text_length integer,
      text text, lengths text, sealed text, ending text, started bigint, ended bigint, keep_until bigint,
      after integer, piece text, is_sealed boolean)
  ), forgotten AS (
    SELECT s.epoch FROM sent AS s WHERE
      EXISTS (SELECT FROM dash_relay.forgotten_answers AS f WHERE f.epoch = s.epoch)
      OR EXISTS (SELECT FROM dash_relay.forgotten_streams AS f WHERE f.user_id = s.user_id
        AND (f.stream_id IS NULL OR f.stream_id = s.stream_id) AND s.started_at <= f.forgotten_at)
      OR EXISTS (SELECT FROM dash_relay.erased_users AS e WHERE e.pseudonym = dash_relay.pseudonym_of(s.user_id))
  ), taken AS (
    SELECT s.* FROM sent AS s WHERE s.epoch NOT IN (SELECT f.epoch FROM forgotten AS f)
  ), answers AS (
    INSERT INTO dash_relay.answers AS a (epoch, stream_id, user_id, action, model, request_hash, head, text_length,
      text, lengths, sealed, ending, started_at, ended_at, keep_until)
    SELECT t.epoch, t.stream_id, t.user_id, t.action, t.model, t.request_hash, t.head, t.text_length,
      t.text::json, decode(t.lengths, 'base64'), decode(t.sealed, 'base64'), t.ending::json,
      t.started_at, to_timestamp(t.ended / 1000.0), to_timestamp(t.keep_until / 1000.0)
    FROM taken AS t
    ON CONFLICT (epoch) DO UPDATE SET head = excluded.head, text_length = excluded.text_length, text = excluded.text,
      lengths = excluded.lengths, sealed = excluded.sealed, ending = excluded.ending, ended_at = excluded.ended_at,
      keep_until = excluded.keep_until, seen_at = now()
    WHERE a.ended_at IS NULL AND (excluded.ended_at IS NOT NULL OR excluded.head >= a.head)
    RETURNING a.epoch, a.ended_at
  ), pieces AS (
    INSERT INTO dash_relay.answer_pieces AS p (epoch, after, head, piece, sealed)
    SELECT t.epoch, t.after, t.head, decode(t.piece, 'base64'), t.is_sealed
    FROM taken AS t JOIN answers USING (epoch) WHERE t.ended IS NULL AND t.head > t.after
    ON CONFLICT (epoch, after) DO UPDATE SET head = excluded.head, piece = excluded.piece, sealed = excluded.sealed
    WHERE excluded.head > p.head
  ), closed AS (
    DELETE FROM dash_relay.answer_pieces AS p USING answers AS a WHERE p.epoch = a.epoch AND a.ended_at IS NOT NULL
  )
  SELECT f.epoch FROM forgotten AS f;
END $$;

-- Says that those go on. Returns Postgres's time, Unix ms.
CREATE OR REPLACE FUNCTION dash_relay.answers_go_on(p_epochs text[]) RETURNS double precision
LANGUAGE sql SECURITY DEFINER SET search_path = '' AS $$
  UPDATE dash_relay.answers SET seen_at = now() WHERE epoch = ANY (p_epochs) AND ended_at IS NULL;
  SELECT floor(extract(epoch FROM now()) * 1000)::double precision;
$$;

-- The latest run of that id, with what there is of its text.
CREATE OR REPLACE FUNCTION dash_relay.find_answer(p_user uuid, p_stream text) RETURNS TABLE (
  epoch text, stream_id text, user_id text, action text, model text, request_hash text, head integer, text_length integer,
  ending text, started double precision, ended double precision, is_dead boolean,
  text text, lengths bytea, sealed bytea, pieces json)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS $$
  SELECT a.epoch, a.stream_id, a.user_id::text, a.action, a.model, a.request_hash, a.head, a.text_length, a.ending::text,
    round(extract(epoch FROM a.started_at) * 1000)::double precision, round(extract(epoch FROM a.ended_at) * 1000)::double precision,
    a.ended_at IS NULL AND a.seen_at < now() - interval '30 seconds', a.text::text, a.lengths, a.sealed,
    (SELECT json_agg(json_build_object('after', p.after, 'piece', encode(p.piece, 'base64'), 'sealed', p.sealed) ORDER BY p.after)
      FROM dash_relay.answer_pieces AS p WHERE p.epoch = a.epoch)
  FROM dash_relay.answers AS a WHERE a.user_id = p_user AND a.stream_id = p_stream AND a.keep_until > now()
  ORDER BY a.started_at DESC, a.epoch COLLATE "C" DESC LIMIT 1
$$;

-- Those of a user without their text, newest first, that follow a place in that order.
CREATE OR REPLACE FUNCTION dash_relay.list_answers(
  p_user uuid, p_before double precision, p_before_epoch text, p_limit integer
) RETURNS TABLE (
  epoch text, stream_id text, user_id text, action text, model text, request_hash text, head integer, text_length integer,
  ending text, started double precision, ended double precision, is_dead boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS $$
  SELECT a.epoch, a.stream_id, a.user_id::text, a.action, a.model, a.request_hash, a.head, a.text_length, a.ending::text,
    round(extract(epoch FROM a.started_at) * 1000)::double precision, round(extract(epoch FROM a.ended_at) * 1000)::double precision,
    a.ended_at IS NULL AND a.seen_at < now() - interval '30 seconds'
  FROM dash_relay.answers AS a WHERE a.user_id = p_user AND a.keep_until > now() AND (p_before IS NULL
    OR (a.started_at, a.epoch COLLATE "C") < (to_timestamp(p_before / 1000.0), p_before_epoch COLLATE "C"))
  ORDER BY a.started_at DESC, a.epoch COLLATE "C" DESC LIMIT p_limit
$$;

-- Erases those of a stream, or all of a user; how many it were. What arrives later of them stays nowhere, until no relay can
-- have any of it.
CREATE OR REPLACE FUNCTION dash_relay.forget_answers(p_user uuid, p_stream text, p_for interval) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
  v_answers bigint;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('dash_relay.erasure'));
  INSERT INTO dash_relay.forgotten_streams (user_id, stream_id, forgotten_at, until)
    VALUES (p_user, p_stream, clock_timestamp(), clock_timestamp() + p_for);
  INSERT INTO dash_relay.forgotten_answers (epoch, until)
    SELECT a.epoch, clock_timestamp() + p_for FROM dash_relay.answers AS a
    WHERE a.user_id = p_user AND (p_stream IS NULL OR a.stream_id = p_stream) ON CONFLICT DO NOTHING;
  DELETE FROM dash_relay.answers AS a WHERE a.user_id = p_user AND (p_stream IS NULL OR a.stream_id = p_stream);
  GET DIAGNOSTICS v_answers = ROW_COUNT;
  RETURN v_answers;
END $$;

-- Deletes up to so many answers whose time is over, by the clock of a relay (Unix ms) and by this one; how many it were.
CREATE OR REPLACE FUNCTION dash_relay.delete_expired_answers(p_now double precision, p_limit integer) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
  v_now timestamptz := least(now(), to_timestamp(p_now / 1000.0));
  v_answers bigint;
BEGIN
  DELETE FROM dash_relay.answers WHERE epoch IN (
    SELECT a.epoch FROM dash_relay.answers AS a WHERE a.keep_until < v_now ORDER BY a.keep_until LIMIT p_limit
    FOR UPDATE SKIP LOCKED);
  GET DIAGNOSTICS v_answers = ROW_COUNT;
  DELETE FROM dash_relay.forgotten_answers WHERE until < v_now;
  DELETE FROM dash_relay.forgotten_streams WHERE until < v_now;
  RETURN v_answers;
END $$;

REVOKE ALL ON FUNCTION dash_relay.keep_answers, dash_relay.answers_go_on, dash_relay.find_answer, dash_relay.list_answers,
  dash_relay.forget_answers, dash_relay.delete_expired_answers FROM PUBLIC;
GRANT EXECUTE ON FUNCTION dash_relay.keep_answers, dash_relay.answers_go_on, dash_relay.find_answer, dash_relay.list_answers,
  dash_relay.forget_answers, dash_relay.delete_expired_answers TO dash_relay_writer;

-- With the user their answers go, whichever the policy. Otherwise as before.
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
  DELETE FROM dash_relay.answers WHERE user_id = p_user;
  DELETE FROM dash_relay.forgotten_streams WHERE user_id = p_user;
  DELETE FROM dash_relay.reports WHERE user_id = p_user;
  DELETE FROM dash_relay.quota_counters WHERE (key, period) IN (
    SELECT c.key, c.period FROM dash_relay.quota_counters AS c
    WHERE c.key LIKE '%:user:' || p_user::text ORDER BY c.key, c.period FOR UPDATE);
  RETURN v_runs;
END $$;
