/** The access token: one question at a time, and a count of how often in a row the answer was refused. */
import type { ClientClock, ClientTimer } from './clock.ts';

/** Resolves with a Supabase access token; `refresh`: the last one was refused or is about to expire. */
export type TokenGetter = (ask: { readonly refresh: boolean }) => Promise<string | null> | string | null;

const ANSWER_WITHIN_MS = 15_000;

/** Null: nobody is signed in; the relay refuses that like a bad one. */
export type Token = string | null | undefined;

export interface Tokens {
  /** Rejects as the getter does, or where it does not answer. */
  get(refresh?: boolean): Promise<Token>;
  /** How many were refused so far. */
  readonly refusals: number;
  /** The relay refused this token, or the latest. True for the second one in a row: another would not help. */
  refused(token?: Token): boolean;
  /** The relay took the token. */
  worked(): void;
}

export function createTokens(getter: TokenGetter, clock: ClientClock): Tokens {
  /** Questions under way: plain, and for a fresh one, which serves both. */
  const pending: (Promise<Token> | undefined)[] = [];
  let refusals = 0;
  let inARow = 0;
  let latest: Token;
  const ask = async (refresh: boolean): Promise<Token> => {
    let timer: ClientTimer | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = clock.after(ANSWER_WITHIN_MS, reject);
    });
    try {
      latest = await Promise.race([getter({ refresh }), late]);
      return latest;
    } finally {
      timer?.cancel();
    }
  };
  return {
    get(refresh = inARow > 0) {
      const slot = refresh || pending[1] ? 1 : 0;
      pending[slot] ??= ask(refresh).finally(() => {
        pending[slot] = undefined;
      });
      return pending[slot];
    },
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
    worked() {
      inARow = 0;
    },
  };
}
