/** Bounds of `parameters`, whatever an action declares: of requests, and of declarations, which may not go beyond. */
import { RelayError } from './relay-error.ts';

/** Of one request, and of one action. */
export const MAX_PARAMETERS = 16;
/** Of a value that is text, UTF-16 code units. */
export const MAX_PARAMETER_LENGTH = 200;
export const PARAMETER_NAME = /^[a-z][A-Za-z0-9_]{0,31}$/;

/**
 * Holds a request's parameters to these bounds; which of them an action takes is said elsewhere.
 * @throws RelayError bad_request naming the parameter, never its value
 */
export function checkParameters(value: unknown): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw badRequest('parameters: an object');
  const entries = Object.entries(value);
  if (entries.length > MAX_PARAMETERS) throw badRequest(`parameters: at most ${MAX_PARAMETERS}`);
  for (const [name, each] of entries) {
    if (!PARAMETER_NAME.test(name))
      throw badRequest('parameters: a name is up to 32 of A-Z, a-z, 0-9 and _, and begins with a-z');
    if (!['string', 'number', 'boolean'].includes(typeof each))
      throw badRequest(`parameters.${name}: a text, a number, true or false`);
    if (typeof each === 'string' && each.length > MAX_PARAMETER_LENGTH)
      throw badRequest(`parameters.${name}: at most ${MAX_PARAMETER_LENGTH} characters`);
  }
}

function badRequest(message: string): RelayError {
  return new RelayError('bad_request', message);
}
