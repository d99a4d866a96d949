-- Quotas that several relays share. A reservation and a settlement are one function call each, so they are atomic also
-- through a pooler in transaction mode. Locks are taken in one order everywhere: the run, then its counters by key and
-- period. Amounts are requests, tokens, or 10^-6 US dollars.

CREATE TABLE IF NOT EXISTS dash_relay.quota_counters (
  key text NOT NULL,                    -- what is counted of whom
  period text NOT NULL,                 -- 2026-11-22 or 2026-11, UTC: when the run started
  used bigint NOT NULL DEFAULT 0,       -- of ended runs
  reserved bigint NOT NULL DEFAULT 0,   -- what live runs may still cost
  PRIMARY KEY (key, period)
) WITH (fillfactor = 70);               -- room on the page: every start and every ending updates a few rows in place

CREATE TABLE IF NOT EXISTS dash_relay.quota_runs (
  epoch text PRIMARY KEY,
  owner text NOT NULL,                  -- the data directory of the relay that runs it
  state text NOT NULL CHECK (state IN ('reserved', 'expired', 'settled')),
  keys text[] NOT NULL,                 -- what it holds, or was charged when it expired; empty once settled
  periods text[] NOT NULL,
  amounts bigint[] NOT NULL,
  expires_at timestamptz NOT NULL       -- reserved: no relay can still run it; otherwise: when it left that state
);
CREATE INDEX IF NOT EXISTS quota_runs_expiry ON dash_relay.quota_runs (expires_at);
CREATE INDEX IF NOT EXISTS quota_runs_unsettled ON dash_relay.quota_runs (owner) WHERE state <> 'settled';

-- The counters at these places, locked until the transaction ends; absent ones begin at zero.
CREATE OR REPLACE FUNCTION dash_relay.quota_lock(p_keys text[], p_periods text[])
RETURNS TABLE (place bigint, used bigint, reserved bigint) LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO dash_relay.quota_counters AS c (key, period)
    SELECT w.key, w.period FROM unnest(p_keys, p_periods) AS w (key, period) ORDER BY w.key, w.period
    ON CONFLICT DO NOTHING;
  RETURN QUERY
    SELECT w.place, c.used, c.reserved
    FROM unnest(p_keys, p_periods) WITH ORDINALITY AS w (key, period, place)
    JOIN dash_relay.quota_counters AS c ON c.key = w.key AND c.period = w.period
    ORDER BY c.key, c.period
    FOR UPDATE OF c;
END $$;

-- Adds to the counters at these places; a place may come twice.
CREATE OR REPLACE FUNCTION dash_relay.quota_add(p_keys text[], p_periods text[], p_used bigint[], p_reserved bigint[])
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM dash_relay.quota_lock(p_keys, p_periods);
  UPDATE dash_relay.quota_counters AS c
    SET used = c.used + w.used, reserved = c.reserved + w.reserved
    FROM (
      SELECT key, period, sum(w.used)::bigint AS used, sum(w.reserved)::bigint AS reserved
      FROM unnest(p_keys, p_periods, p_used, p_reserved) AS w (key, period, used, reserved)
      GROUP BY key, period
    ) AS w
    WHERE c.key = w.key AND c.period = w.period;
END $$;

-- Reserves the amounts where all of them fit (a limit may be null), or nothing. An epoch that is known already is taken
-- and changes nothing. Answers with the counters as they stood before.
CREATE OR REPLACE FUNCTION dash_relay.quota_reserve(
  p_epoch text, p_owner text, p_keys text[], p_periods text[], p_amounts bigint[], p_limits bigint[], p_lease_ms bigint
) RETURNS TABLE (taken boolean, used_before bigint[], reserved_before bigint[]) LANGUAGE plpgsql AS $$
DECLARE
  fresh boolean;
BEGIN
  INSERT INTO dash_relay.quota_runs (epoch, owner, state, keys, periods, amounts, expires_at)
    VALUES (p_epoch, p_owner, 'reserved', p_keys, p_periods, p_amounts, now() + p_lease_ms * interval '1 ms')
    ON CONFLICT (epoch) DO NOTHING;
  fresh := FOUND;
  SELECT
      coalesce(bool_and(p_limits[l.place] IS NULL OR l.used + l.reserved + p_amounts[l.place] <= p_limits[l.place]), true),
      array_agg(l.used ORDER BY l.place),
      array_agg(l.reserved ORDER BY l.place)
    INTO taken, used_before, reserved_before
    FROM dash_relay.quota_lock(p_keys, p_periods) AS l;
  IF NOT fresh THEN
    taken := true;
  ELSIF taken THEN
    UPDATE dash_relay.quota_counters AS c SET reserved = c.reserved + w.amount
      FROM unnest(p_keys, p_periods, p_amounts) AS w (key, period, amount)
      WHERE c.key = w.key AND c.period = w.period;
  ELSE
    DELETE FROM dash_relay.quota_runs WHERE epoch = p_epoch;
  END IF;
  RETURN NEXT;
END $$;

-- Puts what a run did cost in the place of what it holds: once, in whatever order reservation, expiry and settlement
-- arrive, and also where the reservation never did.
CREATE OR REPLACE FUNCTION dash_relay.quota_settle(
  p_epoch text, p_owner text, p_keys text[], p_periods text[], p_amounts bigint[]
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  run dash_relay.quota_runs;
  none bigint[] := array_fill(0::bigint, ARRAY[cardinality(p_amounts)]);
  held_used bigint[];
  held_reserved bigint[];
BEGIN
  INSERT INTO dash_relay.quota_runs (epoch, owner, state, keys, periods, amounts, expires_at)
    VALUES (p_epoch, p_owner, 'settled', '{}', '{}', '{}', now())
    ON CONFLICT (epoch) DO NOTHING;
  IF FOUND THEN
    PERFORM dash_relay.quota_add(p_keys, p_periods, p_amounts, none);
    RETURN;
  END IF;
  SELECT * INTO run FROM dash_relay.quota_runs WHERE epoch = p_epoch FOR UPDATE;
  IF run.state = 'settled' THEN
    RETURN;
  END IF;
  SELECT
      array_agg(CASE run.state WHEN 'expired' THEN -h.amount ELSE 0 END ORDER BY h.place),
      array_agg(CASE run.state WHEN 'reserved' THEN -h.amount ELSE 0 END ORDER BY h.place)
    INTO held_used, held_reserved
    FROM unnest(run.amounts) WITH ORDINALITY AS h (amount, place);
  PERFORM dash_relay.quota_add(
    p_keys || run.keys, p_periods || run.periods, p_amounts || held_used, none || held_reserved);
  UPDATE dash_relay.quota_runs
    SET state = 'settled', keys = '{}', periods = '{}', amounts = '{}', expires_at = now()
    WHERE epoch = p_epoch;
END $$;

-- Charges one run whose relay never came back with all it had reserved. False: there is none.
CREATE OR REPLACE FUNCTION dash_relay.quota_expire() RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  run dash_relay.quota_runs;
BEGIN
  SELECT * INTO run FROM dash_relay.quota_runs
    WHERE state = 'reserved' AND expires_at < now()
    ORDER BY expires_at LIMIT 1 FOR UPDATE SKIP LOCKED;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  PERFORM dash_relay.quota_add(
    run.keys, run.periods, run.amounts, (SELECT array_agg(-amount) FROM unnest(run.amounts) AS amount));
  UPDATE dash_relay.quota_runs SET state = 'expired', expires_at = now() WHERE epoch = run.epoch;
  RETURN true;
END $$;

-- Forgets runs that ended a week ago, and counters of the months before the last.
CREATE OR REPLACE FUNCTION dash_relay.quota_purge() RETURNS void LANGUAGE sql AS $$
  DELETE FROM dash_relay.quota_runs WHERE state <> 'reserved' AND expires_at < now() - interval '7 days';
  DELETE FROM dash_relay.quota_counters
    WHERE period < to_char((now() AT TIME ZONE 'UTC') - interval '1 month', 'YYYY-MM') AND reserved = 0;
$$;

-- The relay calls these functions as itself; nobody else does.
REVOKE ALL ON FUNCTION dash_relay.quota_lock, dash_relay.quota_add, dash_relay.quota_reserve, dash_relay.quota_settle,
  dash_relay.quota_expire, dash_relay.quota_purge FROM PUBLIC;
GRANT EXECUTE ON FUNCTION dash_relay.quota_lock, dash_relay.quota_add, dash_relay.quota_reserve, dash_relay.quota_settle,
  dash_relay.quota_expire, dash_relay.quota_purge TO dash_relay_writer;
ALTER TABLE dash_relay.quota_counters ENABLE ROW LEVEL SECURITY;
ALTER TABLE dash_relay.quota_runs ENABLE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON dash_relay.quota_counters, dash_relay.quota_runs TO dash_relay_writer;
DROP POLICY IF EXISTS quota_counters_of_relays ON dash_relay.quota_counters;
CREATE POLICY quota_counters_of_relays ON dash_relay.quota_counters TO dash_relay_writer USING (true);
DROP POLICY IF EXISTS quota_runs_of_relays ON dash_relay.quota_runs;
CREATE POLICY quota_runs_of_relays ON dash_relay.quota_runs TO dash_relay_writer USING (true);
