import { RelayError } from '../protocol/relay-error.ts';

/** Why a token was refused, for the operator's log. Never holds anything of the token. */
export type RefusalReason =
  | 'too_long'
  | 'api_key'
  | 'malformed'
  | 'header'
  | 'algorithm'
  | 'key_id'
  | 'unknown_key'
  | 'signature'
  | 'issuer'
  | 'audience'
  | 'role'
  | 'subject'
  | 'expiry'
  | 'expired'
  | 'not_yet_valid'
  | 'issued_in_future'
  | 'is_anonymous'
  | 'revoked';

const ERRORS = new Map<RefusalReason, RelayError>();

/**
 * The one answer to every bad token: a caller learns nothing of what was wrong; `cause` is the reason. It is the same
 * object each time: the stack of an error costs more than the rest of a refusal, and nobody reads it.
 */
export function unauthorized(reason: RefusalReason): RelayError {
  const known = ERRORS.get(reason);
  if (known !== undefined) return known;
  const error = new RelayError(
    'unauthorized',
    'the access token is missing, expired or not valid; sign in again to get a new one',
    { cause: reason },
  );
  ERRORS.set(reason, error);
  return error;
}
