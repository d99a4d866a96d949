/** Refusals that more than one door gives. Absent and foreign streams share their words on purpose. */
import { RelayError } from '../protocol/relay-error.ts';

export function unknownStream(): RelayError {
  return new RelayError('unknown_stream', 'there is no such stream, or it is not yours');
}

/** What cannot be exact is refused whole: trimmed away, past the head, or of another epoch. */
export function resumeGap(): RelayError {
  return new RelayError('resume_gap', 'this position is not held: start again, or show what you have');
}
