-- What besides tokens sets a bill, as the API said it. Rows from before have the defaults: nothing is known of them.
ALTER TABLE dash_relay.usage
  ADD COLUMN IF NOT EXISTS thinking_tokens integer NOT NULL DEFAULT 0,   -- of output_tokens
  ADD COLUMN IF NOT EXISTS web_searches integer NOT NULL DEFAULT 0,
  ADD COLUMN IF NOT EXISTS inference_geo text,                           -- null, as below: the standard one
  ADD COLUMN IF NOT EXISTS service_tier text,
  ADD COLUMN IF NOT EXISTS speed text,
  ADD COLUMN IF NOT EXISTS uncharged boolean NOT NULL DEFAULT false;     -- refused before a word of the answer
DO $$
BEGIN
  GRANT SELECT (thinking_tokens, web_searches) ON dash_relay.usage TO authenticated;
EXCEPTION WHEN undefined_object THEN
  NULL;
END $$;
