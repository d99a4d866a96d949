-- What a start waits for, and what its ending costs: a reservation waits for no disk, and settlements arrive many at a time.

-- As before, but for one thing: the transaction does not wait until it is on the disk. Should the server crash in that instant
-- (three times wal_writer_delay at most, 0.6 s), a reservation is gone whose run goes on: others may have its room for so long, and
-- its settlement, which does wait, counts what it cost all the same.
CREATE OR REPLACE FUNCTION dash_relay.quota_reserve(
  p_epoch text, p_owner text, p_keys text[], p_periods text[], p_amounts bigint[], p_limits bigint[], p_lease_ms bigint
) RETURNS TABLE (taken boolean, used_before bigint[], reserved_before bigint[]) LANGUAGE plpgsql AS $$
DECLARE
  fresh boolean;
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
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

-- Settles many, each as quota_settle does one: an array of {epoch, keys, periods, amounts}, no epoch twice. Locks in the one
-- order: all runs by epoch, then all their counters by key and period.
CREATE OR REPLACE FUNCTION dash_relay.quota_settle_all(p_owner text, p_runs json) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_unknown text[];
  v_held dash_relay.quota_runs[];
  v_keys text[];
  v_periods text[];
  v_used bigint[];
  v_reserved bigint[];
BEGIN
  WITH unknown AS (
    INSERT INTO dash_relay.quota_runs (epoch, owner, state, keys, periods, amounts, expires_at)
      SELECT s.epoch, p_owner, 'settled', '{}', '{}', '{}', now()
      FROM json_to_recordset(p_runs) AS s (epoch text) ORDER BY s.epoch
      ON CONFLICT (epoch) DO NOTHING RETURNING epoch
  )
  SELECT coalesce(array_agg(u.epoch), '{}') INTO v_unknown FROM unknown AS u;
  WITH held AS (
    SELECT r.* FROM dash_relay.quota_runs AS r
      WHERE r.epoch IN (SELECT s.epoch FROM json_to_recordset(p_runs) AS s (epoch text)) AND r.state <> 'settled'
      ORDER BY r.epoch FOR UPDATE
  )
  SELECT coalesce(array_agg(ROW(h.*)::dash_relay.quota_runs), '{}') INTO v_held FROM held AS h;
  SELECT array_agg(a.key), array_agg(a.period), array_agg(a.used), array_agg(a.reserved)
    INTO v_keys, v_periods, v_used, v_reserved
    FROM (
      SELECT c.key, c.period, c.amount AS used, 0::bigint AS reserved
        FROM json_to_recordset(p_runs) AS s (epoch text, keys text[], periods text[], amounts bigint[]),
          unnest(s.keys, s.periods, s.amounts) AS c (key, period, amount)
        WHERE s.epoch = ANY (v_unknown) OR s.epoch IN (SELECT h.epoch FROM unnest(v_held) AS h)
      UNION ALL
      SELECT c.key, c.period,
          CASE h.state WHEN 'expired' THEN -c.amount ELSE 0 END, CASE h.state WHEN 'reserved' THEN -c.amount ELSE 0 END
        FROM unnest(v_held) AS h, unnest(h.keys, h.periods, h.amounts) AS c (key, period, amount)
    ) AS a;
  PERFORM dash_relay.quota_add(v_keys, v_periods, v_used, v_reserved);
  UPDATE dash_relay.quota_runs AS r
    SET state = 'settled', keys = '{}', periods = '{}', amounts = '{}', expires_at = now()
    WHERE r.epoch IN (SELECT h.epoch FROM unnest(v_held) AS h);
END $$;

REVOKE ALL ON FUNCTION dash_relay.quota_settle_all FROM PUBLIC;
GRANT EXECUTE ON FUNCTION dash_relay.quota_settle_all TO dash_relay_writer;

-- Answers that grow are changed in place: there is room for that on their page, and no index is written.
ALTER TABLE dash_relay.answers SET (fillfactor = 70);
