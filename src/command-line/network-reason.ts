/** Why nobody answered, in a word such as `ECONNREFUSED`, which holds nothing of the address. */
export function networkReason(error: unknown): string {
  if (error instanceof AggregateError) return networkReason(error.errors[0]);
  if (!(error instanceof Error)) return 'no answer';
  if ('code' in error && typeof error.code === 'string') return error.code;
  return error.cause === undefined ? error.name : networkReason(error.cause);
}
