/**
 * The names in what the API says: of an error, a model, a request, a stop reason. They reach logs, rows and clients, and a
 * gateway may stand where the API should, so only what looks like a name is taken. Messages, which may hold a user's words,
 * are not.
 */

export interface ApiErrorNames {
  /** Such as `overloaded_error`. */
  readonly type: string | null;
  /** `error.details.error_code`: what exactly it is about, such as `enforced_spend_limit_reached`. */
  readonly errorCode: string | null;
  /** The API's own name of the request. */
  readonly upstreamRequestId: string | null;
}

const NAME = /^[\w.:-]{1,64}$/;
/** One pair of angle brackets may stand around it: what replays recorded answers puts its blanked ids into them. */
const REQUEST_ID = /^<?[\w.:/+=~@-]{1,128}>?$/;
/** Gateways write models with a vendor or a region in front. */
const MODEL = /^[\w.:/@-]{1,128}$/;

/** Of an error body, or of an `error` event: `{type, error: {type, details: {error_code}}, request_id}`. */
export function errorNames(body: unknown): ApiErrorNames {
  const error = field(body, 'error');
  return {
    type: identifier(field(error, 'type')),
    errorCode: identifier(field(field(error, 'details'), 'error_code')),
    upstreamRequestId: requestIdOf(field(body, 'request_id')),
  };
}

/** The value if it is a name as programs write them. */
export function identifier(value: unknown): string | null {
  return typeof value === 'string' && NAME.test(value) ? value : null;
}

export function requestIdOf(value: unknown): string | null {
  return typeof value === 'string' && REQUEST_ID.test(value) ? value : null;
}

export function modelName(value: unknown): string | null {
  return typeof value === 'string' && MODEL.test(value) ? value : null;
}

function field(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  return (value as Readonly<Record<string, unknown>>)[name];
}
