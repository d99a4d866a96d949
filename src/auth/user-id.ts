const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** A `sub` in lower case if it is a UUID. */
export function userIdOf(sub: unknown): string | undefined {
  if (typeof sub !== 'string') return undefined;
  const lower = sub.toLowerCase();
  return UUID.test(lower) ? lower : undefined;
}
