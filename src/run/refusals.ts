/** Refusals that are given in more than one place. Absent and foreign streams share their words on purpose. */
import { RelayError } from '../protocol/relay-error.ts';

export function unknownStream(): RelayError {
  return new RelayError('unknown_stream', 'there is no such stream, or it is not yours');
}

/** What cannot be exact is refused whole: trimmed away, past the head, or of another epoch. */
export function resumeGap(): RelayError {
  return new RelayError('resume_gap', 'this position is not held: start again, or show what you have');
}

export function tooManyStreams(streams: number): RelayError {
  return new RelayError('too_many_streams', `at most ${streams} answers at once; wait for one to end`, {
    cause: 'streams_of_user',
  });
}

export function tooManyStarts(startsPerMinute: number, retryAfterMs: number): RelayError {
  return new RelayError('rate_limited', `at most ${startsPerMinute} starts a minute`, {
    cause: 'starts_of_user',
    retryAfterMs,
  });
}

/** The machine that runs it refused it, or lost it, before it began. */
export function didNotBegin(): RelayError {
  return new RelayError('unavailable', 'this run did not begin on another server; start again');
}

/** Of a start, of what is read, and the ending of what runs: the operator revoked the token that asked for it. */
export function tokenRevoked(): RelayError {
  return new RelayError('unauthorized', 'the access token was revoked; sign in again', { cause: 'revoked' });
}

/** Apps know the reason: they ask their own function instead. */
export function switchedOff(): RelayError {
  return new RelayError('unavailable', 'this server is switched off; ask another way', {
    cause: 'switched_off',
    reason: 'switched_off',
    retryAfterMs: SWITCHED_OFF_MS,
  });
}

/** Nobody knows for how long it is, ms. */
const SWITCHED_OFF_MS = 60_000;
