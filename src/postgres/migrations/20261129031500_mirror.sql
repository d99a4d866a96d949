-- Each run that arrives may also become a row of a table of the app (docs/postgres.md). What goes where is
-- dash_relay.mirror_write, which `dash-relay migrate` makes from the mirror file; here is what stands around it: which runs
-- wait, which the app's table refused and why, and when they are tried again.
--
-- Usage rows never wait for the app's table: their insert notes the run, and a later statement of its own copies it.

-- What is mirrored: at most one row.
CREATE TABLE IF NOT EXISTS dash_relay.mirror (
  present boolean PRIMARY KEY DEFAULT true CHECK (present),
  definition jsonb NOT NULL,                    -- the mirror file
  types jsonb NOT NULL,                         -- of the app's columns when mirror_write was made
  installed_at timestamptz NOT NULL DEFAULT now()
);

-- How it stands with each run. That a run was copied is remembered as long as the run itself: it is copied once.
CREATE TABLE IF NOT EXISTS dash_relay.mirror_rows (
  epoch text PRIMARY KEY,
  state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'failed', 'copied')),
  attempts integer NOT NULL DEFAULT 0,          -- that failed
  next_at timestamptz NOT NULL DEFAULT now(),
  sqlstate text,                                -- of the last failure, and what it was about: never a value
  at_column text,
  at_constraint text
);
CREATE INDEX IF NOT EXISTS mirror_rows_due ON dash_relay.mirror_rows (state, next_at) WHERE state <> 'copied';

-- Runs of the simulated model are left out where the mirror file says so, and those of users who were erased always.
CREATE OR REPLACE FUNCTION dash_relay.mirror_wants(p_run dash_relay.usage) RETURNS boolean
LANGUAGE sql STABLE SET search_path = '' AS $$
  SELECT (p_run.price_version IS DISTINCT FROM 'simulated'
      OR (SELECT m.definition ->> 'simulated' FROM dash_relay.mirror AS m) IS DISTINCT FROM 'skip')
    AND p_run.user_id <> '00000000-0000-0000-0000-000000000000'
    AND NOT EXISTS (SELECT FROM dash_relay.erased_users AS e WHERE e.pseudonym = p_run.user_id)
$$;

CREATE OR REPLACE FUNCTION dash_relay.mirror_enqueue() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  INSERT INTO dash_relay.mirror_rows (epoch)
    SELECT a.epoch FROM arrived AS a WHERE dash_relay.mirror_wants(ROW(a.*)::dash_relay.usage)
    ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$;

-- Runs that are deleted are forgotten here too.
CREATE OR REPLACE FUNCTION dash_relay.mirror_forget() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  IF TG_OP = 'TRUNCATE' THEN
    DELETE FROM dash_relay.mirror_rows;
  ELSE
    DELETE FROM dash_relay.mirror_rows AS r USING gone AS g WHERE r.epoch = g.epoch;
  END IF;
  RETURN NULL;
END $$;

-- A text for a column that holds fewer characters: Postgres would not say which column it was.
CREATE OR REPLACE FUNCTION dash_relay.mirror_text(p_value text, p_length integer, p_column text) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = '' AS $$
BEGIN
  IF length(p_value) > p_length THEN
    RAISE EXCEPTION 'too long' USING ERRCODE = '22001', COLUMN = p_column;
  END IF;
  RETURN p_value;
END $$;

-- Whether a failure is of this moment (a lock, a full disk, a deadlock) and not of a row or of the app's table.
CREATE OR REPLACE FUNCTION dash_relay.mirror_is_passing(p_sqlstate text) RETURNS boolean
LANGUAGE sql IMMUTABLE SET search_path = '' AS $$
  SELECT left(p_sqlstate, 2) IN ('08', '40', '53', '55', '57', '58')
$$;

-- Copies one run. Null: done. Otherwise what stood in the way.
CREATE OR REPLACE FUNCTION dash_relay.mirror_attempt(p_epoch text, OUT at_sqlstate text, OUT at_column text, OUT at_constraint text)
LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
  PERFORM dash_relay.mirror_write(ARRAY[p_epoch]);
EXCEPTION WHEN OTHERS THEN
  IF dash_relay.mirror_is_passing(SQLSTATE) THEN
    RAISE;
  END IF;
  GET STACKED DIAGNOSTICS
    at_sqlstate = RETURNED_SQLSTATE, at_column = COLUMN_NAME, at_constraint = CONSTRAINT_NAME;
END $$;

-- Runs that are due, locked: those that wait, or, where none does, some of each cause for which others failed.
CREATE OR REPLACE FUNCTION dash_relay.mirror_due(p_limit integer) RETURNS text[]
LANGUAGE plpgsql SET search_path = '' AS $$
DECLARE
  due text[];
BEGIN
  SELECT array_agg(w.epoch) INTO due FROM (
    SELECT r.epoch FROM dash_relay.mirror_rows AS r WHERE r.state = 'waiting' AND r.next_at <= now()
      ORDER BY r.next_at LIMIT p_limit FOR UPDATE SKIP LOCKED) AS w;
  IF due IS NULL THEN
    SELECT array_agg(w.epoch) INTO due FROM (
      SELECT r.epoch FROM dash_relay.mirror_rows AS r
        WHERE r.state = 'failed' AND r.epoch IN (
          SELECT c.epoch FROM (
            SELECT f.epoch, row_number() OVER (PARTITION BY f.sqlstate, f.at_column, f.at_constraint ORDER BY f.next_at) AS place
              FROM dash_relay.mirror_rows AS f WHERE f.state = 'failed' AND f.next_at <= now()) AS c
          WHERE c.place <= 50)
        LIMIT p_limit FOR UPDATE SKIP LOCKED) AS w;
  END IF;
  RETURN coalesce(due, '{}');
END $$;

-- Marks what was copied. Where a run had failed before, its cause is mended: all others of the same cause wait again.
CREATE OR REPLACE FUNCTION dash_relay.mirror_copied(p_epochs text[]) RETURNS void
LANGUAGE sql SET search_path = '' AS $$
  UPDATE dash_relay.mirror_rows SET state = 'waiting', next_at = now() WHERE epoch IN (
    SELECT o.epoch FROM dash_relay.mirror_rows AS o
    JOIN (
      SELECT DISTINCT m.sqlstate, m.at_column, m.at_constraint FROM dash_relay.mirror_rows AS m
      WHERE m.epoch = ANY (p_epochs) AND m.state = 'failed') AS mended
      ON (o.sqlstate, o.at_column, o.at_constraint) IS NOT DISTINCT FROM (mended.sqlstate, mended.at_column, mended.at_constraint)
    WHERE o.state = 'failed'
    FOR UPDATE OF o SKIP LOCKED);
  UPDATE dash_relay.mirror_rows
    SET state = 'copied', sqlstate = NULL, at_column = NULL, at_constraint = NULL WHERE epoch = ANY (p_epochs);
$$;

-- Copies up to so many runs: together, or, where some row of them is refused, one by one. In one transaction with what is
-- noted of them, so a run is copied once, whatever breaks. No lock of the app's table is waited for longer than a moment.
-- Without a mirror: no row. `taken`: tried now; 0: nothing is due, or the one that is has to wait for a lock. `causes`: of those that failed for the first time.
CREATE OR REPLACE FUNCTION dash_relay.mirror_copy(
  p_limit integer, OUT taken integer, OUT copied integer, OUT causes jsonb, OUT waiting bigint, OUT failed bigint
) RETURNS SETOF record
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' SET lock_timeout = '500ms' AS $$
DECLARE
  due text[];
  done text[] := '{}';
  each_epoch text;
  attempt record;
  fresh boolean;
  first_failures jsonb := '[]';
  deadline timestamptz;
BEGIN
  IF NOT EXISTS (SELECT FROM dash_relay.mirror) THEN
    RETURN;
  END IF;
  -- Not while somebody compares both tables.
  PERFORM pg_advisory_xact_lock_shared(hashtext('dash_relay.mirror'));
  due := dash_relay.mirror_due(p_limit);
  -- What the app's constraints say at the end of a transaction is wanted now.
  SET CONSTRAINTS ALL IMMEDIATE;
  BEGIN
    IF cardinality(due) > 0 THEN
      PERFORM dash_relay.mirror_write(due);
    END IF;
    done := due;
  EXCEPTION WHEN OTHERS THEN
    IF dash_relay.mirror_is_passing(SQLSTATE) THEN
      IF cardinality(due) > 1 THEN
        RAISE;  -- the relay asks again for fewer
      END IF;
      UPDATE dash_relay.mirror_rows SET next_at = now() + interval '10 s' WHERE epoch = due[1];
      due := '{}';
    END IF;
    deadline := clock_timestamp() + interval '2 s';
    FOREACH each_epoch IN ARRAY due LOOP
      attempt := dash_relay.mirror_attempt(each_epoch);
      IF attempt.at_sqlstate IS NULL THEN
        done := done || each_epoch;
      ELSE
        UPDATE dash_relay.mirror_rows AS r
          SET state = 'failed', attempts = r.attempts + 1, sqlstate = attempt.at_sqlstate,
            at_column = nullif(attempt.at_column, ''), at_constraint = nullif(attempt.at_constraint, ''),
            next_at = now() + least(10 * power(2, least(r.attempts, 10)), 600) * interval '1 s'
          WHERE r.epoch = each_epoch
          RETURNING r.attempts = 1 INTO fresh;
        IF fresh THEN
          first_failures := first_failures || jsonb_build_object(
            'sqlstate', attempt.at_sqlstate, 'column', nullif(attempt.at_column, ''), 'constraint', nullif(attempt.at_constraint, ''));
        END IF;
      END IF;
      -- The rest stays as it is, and comes next.
      EXIT WHEN clock_timestamp() > deadline;
    END LOOP;
  END;
  PERFORM dash_relay.mirror_copied(done);
  taken := cardinality(due);
  copied := cardinality(done);
  SELECT coalesce(jsonb_agg(c.cause || jsonb_build_object('rows', c.n)), '[]') INTO causes
    FROM (SELECT f AS cause, count(*) AS n FROM jsonb_array_elements(first_failures) AS f GROUP BY f) AS c;
  SELECT count(*) FILTER (WHERE r.state = 'waiting'), count(*) FILTER (WHERE r.state = 'failed')
    INTO waiting, failed FROM dash_relay.mirror_rows AS r WHERE r.state <> 'copied';
  RETURN NEXT;
END $$;

-- The relay may have runs copied, and read what is mirrored; nothing of it names a run.
REVOKE ALL ON FUNCTION dash_relay.mirror_wants, dash_relay.mirror_enqueue, dash_relay.mirror_forget, dash_relay.mirror_text, dash_relay.mirror_is_passing,
  dash_relay.mirror_attempt, dash_relay.mirror_due, dash_relay.mirror_copied, dash_relay.mirror_copy FROM PUBLIC;
GRANT EXECUTE ON FUNCTION dash_relay.mirror_copy TO dash_relay_writer;
ALTER TABLE dash_relay.mirror ENABLE ROW LEVEL SECURITY;
ALTER TABLE dash_relay.mirror_rows ENABLE ROW LEVEL SECURITY;
GRANT SELECT ON dash_relay.mirror TO dash_relay_writer;
DROP POLICY IF EXISTS mirror_of_relays ON dash_relay.mirror;
CREATE POLICY mirror_of_relays ON dash_relay.mirror FOR SELECT TO dash_relay_writer USING (true);
