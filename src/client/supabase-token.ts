/**
 * The access token of a Supabase session, for `getToken`. It tells "signed out" from "not now": what could not be
 * refreshed because of the network, or of anything but a refusal of the session itself, is thrown.
 */
import type { TokenGetter } from './tokens.ts';

/** The part of a client of `@supabase/supabase-js` that is used. */
export interface SupabaseLike {
  readonly auth: {
    getSession(): Promise<SupabaseSession>;
    refreshSession(): Promise<SupabaseSession>;
  };
}

export interface SupabaseSession {
  readonly data: { readonly session: { readonly access_token: string } | null };
  readonly error: {
    readonly name: string;
    readonly status?: number | undefined;
    readonly code?: string | undefined;
  } | null;
}

/**
 * `getSession` refreshes by itself in the last 90 s of a token, with one request. Only where it has nothing newer than
 * what was given before is `refreshSession` asked, which near the end of a token would spend a second one.
 * @example
 * ```ts
 * import { createDashClient, supabaseToken } from '@dash-relay/client';
 *
 * const client = createDashClient({ url: 'https://relay.example.com', getToken: supabaseToken(supabase) });
 * ```
 */
export function supabaseToken({ auth }: SupabaseLike): TokenGetter {
  let given: string | null = null;
  return async ({ refresh }) => {
    const held = tokenOf(await auth.getSession());
    const isStale = refresh && held !== null && held === given;
    given = isStale ? (tokenOf(await auth.refreshSession()) ?? held) : held;
    return given;
  };
}

/** Null: there is no session. @throws what a refresh failed with that says nothing about the session */
function tokenOf({ data, error }: SupabaseSession): string | null {
  if (error && !isRefusal(error)) throw error;
  return data.session?.access_token ?? null;
}

/** The auth server has refused the session itself. A proxy's page, a rate limit and a failing server have not. */
function isRefusal({ name, status = 0, code }: NonNullable<SupabaseSession['error']>): boolean {
  if (name === 'AuthSessionMissingError') return true;
  return !!code && status >= 400 && status < 500 && status !== 408 && status !== 429;
}
