-- A relay may see which migrations there are: `dash-relay doctor` says by the relay's own user what is missing. The list is
-- made by `dash-relay migrate`; whoever applies these files by another tool does not have it.
DO $$
BEGIN
  IF to_regclass('dash_relay.migrations') IS NULL THEN
    RETURN;
  END IF;
  GRANT SELECT ON dash_relay.migrations TO dash_relay_writer;
  DROP POLICY IF EXISTS migrations_of_relays ON dash_relay.migrations;
  CREATE POLICY migrations_of_relays ON dash_relay.migrations FOR SELECT TO dash_relay_writer USING (true);
END $$;
