-- Optional: tier and organisation of each user from the app's own tables, for apps whose tokens do not have them. Applied
-- only by `npm run migrate -- --with identity`, by `supabase db push`, or pasted into the SQL editor.
--
-- The app says in one view which tables they come from. The hook below puts both into every new access token; relays
-- may read the same view instead (IDENTITY_VIEW=dash_relay.identity), where tokens cannot change.

CREATE SCHEMA IF NOT EXISTS dash_relay;
REVOKE ALL ON SCHEMA dash_relay FROM PUBLIC;

-- Without rows until the app replaces it by its own, with the same three columns and at most one row for each user:
--
--   CREATE OR REPLACE VIEW dash_relay.identity AS
--     SELECT p.id AS user_id, p.subscription_tier::text AS tier, p.organization_id::text AS organization_id
--     FROM public.profiles AS p;
--
-- REPLACE keeps the rights that are given here; after a DROP run this file again, which gives them anew.
DO $$
BEGIN
  IF to_regclass('dash_relay.identity') IS NULL THEN
    CREATE VIEW dash_relay.identity AS
      SELECT NULL::uuid AS user_id, NULL::text AS tier, NULL::text AS organization_id WHERE false;
  END IF;
END $$;
COMMENT ON VIEW dash_relay.identity IS 'Tier and organisation of each user: replaced by the app with its own tables.';
REVOKE ALL ON dash_relay.identity FROM PUBLIC;

-- Supabase's custom access token hook. A user's row decides both claims, its nulls too; without a row the token stays
-- as it was. Of several rows the first by organisation counts, so that it is always the same one.
--
-- SECURITY INVOKER: it runs as supabase_auth_admin, which may read this view and nothing of the app's. The view reads
-- the tables with its owner's rights, past their row-level security, and shows no more than its three columns.
--
-- Nobody is kept from signing in. Whatever fails (a table that is gone, a right, a lock held for long, Supabase's own
-- limit of 2 seconds, which OTHERS does not include) leaves the token as it was, with a warning in the log of Postgres.
CREATE OR REPLACE FUNCTION dash_relay.access_token_hook(event jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY INVOKER SET search_path = '' SET lock_timeout = '250ms' AS $$
DECLARE
  metadata jsonb := event #> '{claims,app_metadata}';
  known record;
BEGIN
  SELECT i.tier, i.organization_id INTO known FROM dash_relay.identity AS i
    WHERE i.user_id = (event ->> 'user_id')::uuid
    ORDER BY i.organization_id, i.tier LIMIT 1;
  IF NOT FOUND OR jsonb_typeof(event -> 'claims') IS DISTINCT FROM 'object' THEN
    RETURN event;
  END IF;
  IF jsonb_typeof(metadata) IS DISTINCT FROM 'object' THEN
    metadata := '{}';
  END IF;
  RETURN jsonb_set(event, '{claims,app_metadata}', metadata - 'tier' - 'organization_id' || jsonb_strip_nulls(
    jsonb_build_object(
      -- What relays take for none would only make the token longer.
      'tier', CASE WHEN length(known.tier) BETWEEN 1 AND 128 THEN known.tier END,
      'organization_id',
      CASE WHEN length(known.organization_id) BETWEEN 1 AND 128 THEN known.organization_id END)));
EXCEPTION WHEN query_canceled OR OTHERS THEN
  RAISE WARNING 'dash_relay.access_token_hook: user % has no tier and organisation in this token: SQLSTATE %',
    event ->> 'user_id', SQLSTATE;
  RETURN event;
END $$;
REVOKE ALL ON FUNCTION dash_relay.access_token_hook FROM PUBLIC;

-- The role exists only with Supabase.
DO $$
BEGIN
  GRANT USAGE ON SCHEMA dash_relay TO supabase_auth_admin;
  GRANT SELECT ON dash_relay.identity TO supabase_auth_admin;
  GRANT EXECUTE ON FUNCTION dash_relay.access_token_hook TO supabase_auth_admin;
EXCEPTION WHEN undefined_object THEN
  NULL;
END $$;
-- Supabase may grant new functions to these by default.
DO $$
BEGIN
  REVOKE ALL ON FUNCTION dash_relay.access_token_hook FROM anon, authenticated;
  REVOKE ALL ON dash_relay.identity FROM anon, authenticated;
EXCEPTION WHEN undefined_object THEN
  NULL;
END $$;
