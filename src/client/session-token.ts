/**
 * The token of one connection: which one the relay knows it by, and newer ones offered with `auth` before it expires.
 * When a fresh one may be asked for is the client's `TokenRefresh`.
 */
import type { ClientFrame } from '../protocol/frames.ts';
import type { ClientClock, ClientTimer } from './platform.ts';
import type { Token, TokenRefresh, Tokens } from './tokens.ts';

export interface SessionTokenParts {
  /** The one that the connection was opened with. */
  readonly token: Token;
  readonly clock: ClientClock;
  readonly tokens: Tokens;
  readonly refresh: TokenRefresh;
}

export interface SessionToken {
  /** `hello` came. `tokenExpiresAt`: Unix ms by the relay's clock. */
  opened(tokenExpiresAt: number): void;
  authenticated(tokenExpiresAt: number): void;
  /** `token_expiring` came. */
  expiring(inMs: number): void;
  /** An offered token was refused: the one before holds. `retryable`: it could only not be checked. */
  refused(retryable: boolean): void;
  /**
   * Sends the app's token, unless the relay has it. Resolves with true where an answer will follow. By then another
   * user's connection is dropped.
   */
  offer(fresh: boolean): Promise<boolean>;
  close(): void;
}

export function createSessionToken(
  { token: first, clock, tokens, refresh }: SessionTokenParts,
  send: (frame: ClientFrame) => void,
): SessionToken {
  let timer: ClientTimer | undefined;
  let isClosed = false;
  let isRefreshing = false;
  /** The token by which the relay knows us, and the one it was offered since. */
  let current = first;
  let offered: Token;
  /** When it ends: Unix ms by the relay's clock, and by our own, which may be wrong by any amount. */
  let expiresAt = 0;
  let endsAt = 0;

  const offer = async (fresh: boolean): Promise<boolean> => {
    const token = await tokens.get(fresh);
    const isNew = !!token && token !== current && token !== offered;
    if (isNew) {
      offered = token;
      send({ type: 'auth', token });
    }
    return isNew;
  };
  /** A fresh token, as soon as one may be asked for. */
  const renew = async (): Promise<void> => {
    timer?.cancel();
    if (isClosed) return;
    if (refresh.waitMs > 0) {
      timer = clock.after(refresh.waitMs, () => void renew());
      return;
    }
    isRefreshing = true;
    refresh.requested();
    if (!(await offer(true).catch(() => false))) void renew();
  };
  return {
    opened(tokenExpiresAt) {
      expiresAt = tokenExpiresAt;
    },
    authenticated(tokenExpiresAt) {
      tokens.accepted();
      current = offered;
      endsAt += tokenExpiresAt - expiresAt;
      expiresAt = tokenExpiresAt;
      if (refresh.accepted(endsAt - clock.elapsed())) {
        isRefreshing = false;
        timer?.cancel();
      } else if (isRefreshing) {
        void renew();
      }
    },
    expiring(inMs) {
      endsAt = clock.elapsed() + inMs;
      void renew();
    },
    refused(retryable) {
      if (offered) void renew();
      if (retryable) offered = undefined; // it may be offered again
    },
    offer,
    close() {
      isClosed = true;
      timer?.cancel();
    },
  };
}
