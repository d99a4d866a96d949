import type { Authenticator, Principal } from '../../auth/port.ts';
import { RelayError } from '../../protocol/relay-error.ts';
import type { Clock } from '../../time/clock.ts';

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
    auth
      .verify(token)
      .then(resolve, reject)
      .finally(() => timer.cancel());
  });
}
