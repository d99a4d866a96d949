/** Untrusted values against a schema (zod): the first fault as an error that names the place and never says the value. */
import type * as z from 'zod';
import { RelayError } from './relay-error.ts';

/** Of one object, where the schema knows all of them. */
const MAX_FIELDS = 32;

/**
 * @param path of the value, for the message: `messages.0.`
 * @throws RelayError bad_request
 */
export function checkShape<T>(schema: z.ZodType<T>, value: unknown, path = ''): T {
  requireFewFields(value, path);
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw badRequest(path + explain(result.error));
}

/**
 * To be asked before an object's fields are looked at one by one.
 * @throws RelayError bad_request
 */
export function requireFewFields(value: unknown, path = ''): void {
  if (hasTooManyFields(value)) throw badRequest(`${path}at most ${MAX_FIELDS} fields`);
}

export function hasTooManyFields(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length > MAX_FIELDS;
}

/** One issue, by its path: field names and our own words, never a value of the client's. */
export function explain(error: z.ZodError): string {
  const issue = error.issues[0];
  if (issue === undefined) return 'the request is not valid';
  const path = issue.path.length === 0 ? '' : `${issue.path.map(String).join('.')}: `;
  if (issue.code === 'unrecognized_keys') {
    const names = issue.keys.slice(0, 5).map((key) => JSON.stringify(key.slice(0, 40)));
    return `${path}unknown field ${names.join(', ')}`;
  }
  return `${path}${issue.message}`;
}

export function badRequest(message: string): RelayError {
  return new RelayError('bad_request', message);
}
