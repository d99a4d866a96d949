-- The model that answered, as the API named it: it is the one that is priced. `model` is the one that was asked for.
-- Null: none answered, or the row is older than this column.
ALTER TABLE dash_relay.usage ADD COLUMN IF NOT EXISTS served_model text;
