-- The relay's own schema, the role it writes as, and who a request of Supabase's API comes from.
-- All files here may run twice, by `npm run migrate` or by `supabase db push`, and need no superuser.

CREATE SCHEMA IF NOT EXISTS dash_relay;
REVOKE ALL ON SCHEMA dash_relay FROM PUBLIC;

-- A group: the operator grants it to the login role of DATABASE_URL. It bypasses nothing.
DO $$
BEGIN
  CREATE ROLE dash_relay_writer NOLOGIN;
EXCEPTION WHEN duplicate_object THEN
  NULL;
END $$;
GRANT USAGE ON SCHEMA dash_relay TO dash_relay_writer;

-- The user of the request, as Supabase's API hands over the verified token; null where there is none. The same as
-- auth.uid(), which databases without Supabase do not have.
CREATE OR REPLACE FUNCTION dash_relay.requesting_user() RETURNS uuid LANGUAGE sql STABLE SET search_path = '' AS $$
  SELECT (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')::uuid
$$;
REVOKE ALL ON FUNCTION dash_relay.requesting_user() FROM PUBLIC;

-- Signed-in users exist as a role only with Supabase.
DO $$
BEGIN
  GRANT USAGE ON SCHEMA dash_relay TO authenticated;
  GRANT EXECUTE ON FUNCTION dash_relay.requesting_user() TO authenticated;
EXCEPTION WHEN undefined_object THEN
  NULL;
END $$;
