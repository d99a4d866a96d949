import { useEffect, useState } from 'react';
import { AppState } from 'react-native';
import { supabase } from './supabase';

export interface Account {
  /** Undefined for the user of a development token. */
  readonly email: string | undefined;
}

/** Undefined until the session of the last time was read, null while nobody is signed in. */
export function useAccount(): Account | null | undefined {
  const [account, setAccount] = useState<Account | null | undefined>(
    supabase ? undefined : { email: undefined },
  );
  useEffect(() => {
    if (!supabase) return;
    const { auth } = supabase;
    // The first call comes by itself, with the session that was stored.
    const { data } = auth.onAuthStateChange((_event, session) =>
      setAccount(session && { email: session.user.email }),
    );
    // Timers stand still in the background: refreshing begins again with the app.
    const appState = AppState.addEventListener('change', (state) =>
      state === 'active' ? auth.startAutoRefresh() : auth.stopAutoRefresh(),
    );
    return () => {
      data.subscription.unsubscribe();
      appState.remove();
    };
  }, []);
  return account;
}
