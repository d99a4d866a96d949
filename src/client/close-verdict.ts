/** What to do after a close, by PROTOCOL.md's table of close codes; a test compares them. */
import type { DashErrorCode } from './dash-error.ts';

export type CloseVerdict =
  /** Reconnect, not before `going_away` said. */
  | 'back-off'
  | 'fresh-token'
  /** Reconnecting would only repeat it: all streams fail with this code. */
  | DashErrorCode;

const VERDICTS: Readonly<Record<number, CloseVerdict>> = {
  1002: 'bad_request',
  1003: 'bad_request',
  1007: 'bad_request',
  1008: 'bad_request',
  1009: 'too_large',
  4400: 'bad_request',
  4401: 'fresh-token',
  4403: 'unauthorized',
};

export function closeVerdict(code: number): CloseVerdict {
  return VERDICTS[code] ?? 'back-off';
}
