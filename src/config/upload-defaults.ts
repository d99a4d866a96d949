/** What of uploads is taken where the environment says nothing, bytes: for the schema, and for what its keys mean together. */
export const UPLOAD_DEFAULTS = {
  UPLOAD_MAX_BYTES: 5_000_000,
  UPLOADS_USER_BYTES: 20_000_000,
  UPLOADS_TOTAL_BYTES: 67_108_864,
} as const;
