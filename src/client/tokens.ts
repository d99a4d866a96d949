/**
 * The access token and whose it is: one question at a time, and a count of how often in a row the answer was refused.
 * Everything that leaves the client begins with `get`, so that a change of user is noticed before anything does.
 */

import type { Backoff } from './backoff.ts';
import type { ClientClock, ClientTimer } from './platform.ts';

/**
 * Resolves with a Supabase access token, or with null where nobody is signed in. Throwing means "not now": it is asked
 * again. `refresh`: the last one was refused or is about to expire.
 */
export type TokenGetter = (ask: { readonly refresh: boolean }) => Promise<string | null> | string | null;

const ANSWER_WITHIN_MS = 15_000;

export type Token = string | null | undefined;

/** The `sub` of a token; null for nobody, or where the token cannot be read; undefined as long as it is not known. */
export type UserId = string | null | undefined;

export interface Tokens {
  /**
   * The answer to a question that is asked from now on: what was asked before may be the token of who was here then.
   * Rejects as the getter does, or where it does not answer.
   */
  get(refresh?: boolean): Promise<Token>;
  /** Of the latest token. */
  readonly userId: UserId;
  /** Nobody is signed in any more; the answer to a question that is under way is refused. */
  forget(): void;
  /** Nobody waits any more for the answer to a question that is under way. */
  drop(): void;
  /** How many were refused so far. */
  readonly refusals: number;
  /** The relay refused this token, or the latest. True for the second one in a row: another would not help. */
  refused(token?: Token): boolean;
  /** The relay took the token. */
  accepted(): void;
}

/** `switched`: another user's token came. It is told before whoever asked for one. */
export function createTokens(
  getter: TokenGetter,
  clock: ClientClock,
  backoff: Backoff,
  switched: () => void,
): Tokens {
  let last: Promise<unknown> = Promise.resolve();
  let next: Promise<Token> | undefined;
  let isFreshWanted = false;
  let refusals = 0;
  let inARow = 0;
  let latest: Token;
  let userId: UserId;
  let signOuts = 0;
  let giveUp: (() => void) | undefined;

  const belongsTo = (user: UserId): void => {
    if (user === userId) return;
    userId = user;
    switched();
  };
  const ask = async (): Promise<Token> => {
    await backoff.awake();
    const refresh = isFreshWanted;
    next = undefined;
    isFreshWanted = false;
    const before = signOuts;
    let timer: ClientTimer | undefined;
    const late = new Promise<never>((_, reject) => {
      giveUp = reject;
      timer = clock.after(ANSWER_WITHIN_MS, reject);
    });
    try {
      const token = await Promise.race([getter({ refresh }), late]);
      if (before !== signOuts) throw new Error('signed out');
      latest = token;
    } finally {
      giveUp = undefined;
      timer?.cancel();
    }
    belongsTo(subjectOf(latest));
    return latest;
  };
  return {
    get(refresh = inARow > 0) {
      isFreshWanted ||= refresh;
      if (!next) {
        next = last.then(ask);
        last = next.catch(() => {});
      }
      return next;
    },
    get userId() {
      return userId;
    },
    forget() {
      signOuts += 1;
      inARow = 0;
      latest = userId = null;
    },
    drop: () => giveUp?.(),
    get refusals() {
      return refusals;
    },
    refused(token = latest) {
      // Several streams may learn of one refusal: it counts once, and not for a token that was replaced meanwhile.
      if (token === latest) {
        refusals += 1;
        inARow += 1;
        latest = undefined;
      }
      return inARow > 1;
    },
    accepted() {
      inARow = 0;
    },
  };
}

/** Unverified, as that is the relay's part. */
export function subjectOf(token: Token): string | null {
  try {
    const payload = token?.split('.')[1]?.replace(/-/g, '+').replace(/_/g, '/') ?? '';
    return JSON.parse(atob(payload)).sub ?? null;
  } catch {
    return null;
  }
}

const FIRST_REFRESH_MS = 5000;
/** Also the time that a token has left when the relay warns: one that has no more is not yet what was asked for. */
const LONGEST_REFRESH_MS = 60_000;

/** When a fresh token may be asked for: not at once again where the last one brought no time, over all connections. */
export interface TokenRefresh {
  /** Until the next question, ms; 0 or less: now. */
  readonly waitMs: number;
  requested(): void;
  /** The relay took a token that lasts so much longer, ms. False: ask again. */
  accepted(leftMs: number): boolean;
}

export function createTokenRefresh(clock: ClientClock): TokenRefresh {
  let intervalMs = FIRST_REFRESH_MS;
  let notBefore = 0;
  return {
    get waitMs() {
      return notBefore - clock.elapsed();
    },
    requested() {
      notBefore = clock.elapsed() + intervalMs;
      intervalMs = Math.min(2 * intervalMs, LONGEST_REFRESH_MS);
    },
    accepted(leftMs) {
      const isSettled = leftMs > LONGEST_REFRESH_MS;
      if (isSettled) intervalMs = FIRST_REFRESH_MS;
      return isSettled;
    },
  };
}
