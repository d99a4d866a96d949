import { useEffect, useState } from 'react';
import { AppState } from 'react-native';
import { supabase } from './supabase';

/** Undefined until the session of the last time was read. Without a project everybody is. */
export function useSignedIn(): boolean | undefined {
  const [isSignedIn, setSignedIn] = useState(supabase ? undefined : true);
  useEffect(() => {
    if (!supabase) return;
    const { auth } = supabase;
    // The first call comes by itself, with the session that was stored.
    const { data } = auth.onAuthStateChange((_event, session) => setSignedIn(session !== null));
    // Timers stand still in the background: refreshing begins again with the app.
    const appState = AppState.addEventListener('change', (state) =>
      state === 'active' ? auth.startAutoRefresh() : auth.stopAutoRefresh(),
    );
    return () => {
      data.subscription.unsubscribe();
      appState.remove();
    };
  }, []);
  return isSignedIn;
}
