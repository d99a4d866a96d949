/**
 * Users of a Supabase project at this page. The session is kept in memory alone: a reload ends it, and nothing of it is left
 * in the browser.
 */
import { createClient } from '@supabase/supabase-js';
import { supabaseToken, type TokenGetter } from '../client/index.ts';
import type { SupabaseProject } from './settings.ts';

export interface User {
  readonly id: string;
  readonly email: string;
}

export interface Account {
  readonly getToken: TokenGetter;
  /** Who is signed in; as `useSyncExternalStore` wants them. */
  readonly read: () => User | undefined;
  readonly subscribe: (listener: () => void) => () => void;
  /** Resolves with why it did not work, in words; undefined: it did. */
  signIn(email: string, password: string): Promise<string | undefined>;
  /** Forgotten here at once; the project is told if it can be reached. */
  signOut(): Promise<void>;
}

const PROBLEMS: Readonly<Record<string, string>> = {
  invalid_credentials: 'That e-mail address and password do not belong together.',
  email_not_confirmed: 'That address is not confirmed yet: follow the link in the e-mail.',
  user_banned: 'That account is blocked in the project.',
  email_provider_disabled: 'The project has no sign-in by e-mail and password; switch it on in its settings.',
  over_request_rate_limit: 'Too many attempts. Wait a minute, then try again.',
};

export function createSupabaseAccount({ url, publishableKey }: SupabaseProject): Account {
  const supabase = createClient(url, publishableKey, {
    auth: { persistSession: false, detectSessionInUrl: false },
  });
  const listeners = new Set<() => void>();
  let user: User | undefined;
  supabase.auth.onAuthStateChange((_event, session) => {
    const { id, email = '' } = session?.user ?? {};
    if (id === user?.id) return; // a fresh token
    user = id === undefined ? undefined : { id, email };
    for (const listener of listeners) listener();
  });
  return {
    getToken: supabaseToken(supabase),
    read: () => user,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async signIn(email, password) {
      const { error } = await supabase.auth.signInWithPassword({ email, password });
      return error ? problemOf(error) : undefined;
    },
    async signOut() {
      await supabase.auth.signOut({ scope: 'local' });
    },
  };
}

function problemOf({
  code = '',
  status = 0,
}: {
  code?: string | undefined;
  status?: number | undefined;
}): string {
  const known = PROBLEMS[code];
  if (known !== undefined) return known;
  if (status === 401) return 'The project does not take this key: look at SUPABASE_PUBLISHABLE_KEY.';
  if (status >= 400 && status < 500) return 'The project does not let you in.';
  return 'The project does not answer: look at SUPABASE_URL and at your network.';
}
