/**
 * The bearer token of an Authorization header, which every client but a browser's WebSocket sends, and how long its
 * check may take.
 */
import type { IncomingMessage } from 'node:http';
import type { Authenticator, Principal } from '../../auth/port.ts';
import { RelayError } from '../../protocol/relay-error.ts';
import type { Clock } from '../../time/clock.ts';

const HEADER = 'authorization';
const BEARER = /^bearer +(\S+) *$/i;

/**
 * `undefined` without the header, or with another scheme.
 * @throws RelayError `bad_request` if the header is there twice: Node would silently keep the first
 */
export function headerToken(request: IncomingMessage): string | undefined {
  if (timesIn(request, HEADER) > 1) throw new RelayError('bad_request', 'send the token in one place');
  return BEARER.exec(request.headers.authorization ?? '')?.[1];
}

/** How often a request has that header, named in lower case. */
export function timesIn({ rawHeaders }: IncomingMessage, header: string): number {
  let times = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index];
    if (name?.length === header.length && name.toLowerCase() === header) times += 1;
  }
  return times;
}

const TOKEN_MISSING = new RelayError('unauthorized', 'an access token is required; sign in to get one', {
  cause: 'token_missing',
});

export function tokenMissing(): RelayError {
  return TOKEN_MISSING;
}

/** Node's own timeouts stop at the upgrade, and a key set may hang. */
const VERIFY_MS = 5000;

/** @throws RelayError of the authenticator, or `unavailable` after 5 s */
export function verifyInTime(auth: Authenticator, token: string, clock: Clock): Promise<Principal> {
  return new Promise((resolve, reject) => {
    const timer = clock.after(VERIFY_MS, () => {
      reject(
        new RelayError('unavailable', 'the token cannot be checked right now; try again', {
          cause: 'token_check_late',
        }),
      );
    });
    auth.verify(token).then(
      (principal) => {
        timer.cancel();
        resolve(principal);
      },
      (refusal) => {
        timer.cancel();
        reject(refusal);
      },
    );
  });
}
