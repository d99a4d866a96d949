/** What the end of a connection means: the next one comes at once or later, by another transport, or not at all. */
import type { Backoff } from './backoff.ts';
import { type DashErrorCode, failure } from './dash-error.ts';
import type { RelayHttp } from './relay-http.ts';
import type { SessionEnd } from './socket-session.ts';
import type { SocketStreams } from './socket-streams.ts';
import type { Tokens } from './tokens.ts';
import type { TransportSelector } from './transport-selector.ts';

/** A connection that lasted this long had a good token, and is no failure that the next one waits longer for, ms. */
export const PROVEN_MS = 10_000;
/** Close codes from here on are the relay's alone; lower ones may be of anything on the way. */
const RELAYS_OWN = 4000;

/** What to do after a close, by PROTOCOL.md's table of close codes; a test compares them. */
export type CloseAction =
  /** Reconnect, not before `going_away` said. */
  | 'back-off'
  | 'refresh-token'
  /** Reconnecting would only repeat it: all streams fail with this code. */
  | DashErrorCode;

const CLOSE_ACTIONS: Readonly<Record<number, CloseAction>> = {
  1002: 'bad_request',
  1003: 'bad_request',
  1007: 'bad_request',
  1008: 'bad_request',
  1009: 'too_large',
  4400: 'bad_request',
  4401: 'refresh-token',
  4403: 'unauthorized',
};

export function closeAction(code: number): CloseAction {
  return CLOSE_ACTIONS[code] ?? 'back-off';
}

export interface ReconnectionParts {
  readonly selector: TransportSelector;
  readonly http: RelayHttp;
  readonly tokens: Tokens;
  readonly backoff: Backoff;
  readonly streams: SocketStreams;
}

/**
 * Resolves when the next connection may be opened. `end`: undefined where there was no token for one. `failures`: of how
 * many before in a row. `hintMs`: how long to wait at least, where the relay had said that it is going away.
 */
export type Reconnection = (
  end: SessionEnd | undefined,
  failures: number,
  hintMs: number | undefined,
) => Promise<void>;

export function createReconnection({
  selector,
  http,
  tokens,
  backoff,
  streams,
}: ReconnectionParts): Reconnection {
  /** Where nothing is left to follow there is no next connection, and nothing to wait for. */
  const wait = async (failures: number, hintMs?: number): Promise<void> => {
    if (streams.size > 0) await backoff.wait(failures, hintMs);
  };

  /** The relay itself has closed, or had answered before: its code says what is to be done. */
  const afterClose = async (
    { code, livedMs = 0 }: SessionEnd,
    failures: number,
    hintMs?: number,
  ): Promise<void> => {
    const action = closeAction(code);
    if (action !== 'refresh-token' || livedMs > PROVEN_MS) tokens.accepted();
    if (action === 'back-off') await wait(failures, hintMs);
    else if (action !== 'refresh-token') streams.fail(failure(action));
    else if (tokens.refused()) streams.fail(failure('unauthorized'));
  };

  /** Nothing that was sent has been answered, `hello` or not: is it the relay, the token, or the transport? */
  const afterSilence = async (failures: number): Promise<void> => {
    selector.recheck();
    const cause = await http.diagnose();
    if (cause === 'transport') {
      if (!selector.failed('websocket')) await wait(failures);
    } else if (cause?.retryable === false) {
      streams.fail(cause);
    } else {
      await wait(failures, cause?.retryAfterMs);
    }
  };

  return async (end, failures, hintMs) => {
    if (end?.answered) selector.worked('websocket');
    if (!end) await wait(failures);
    else if (end.answered || hintMs !== undefined || end.code >= RELAYS_OWN)
      await afterClose(end, failures, hintMs);
    else if (streams.size > 0) await afterSilence(failures);
  };
}
