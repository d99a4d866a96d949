import { useSyncExternalStore } from 'react';
import { useDash } from './dash-provider.tsx';
import type { ConnectionState } from './store/connection-store.ts';

/** How the way to the relay is. */
export function useConnection(): ConnectionState {
  const { connection } = useDash();
  return useSyncExternalStore(connection.subscribe, connection.getSnapshot, connection.getSnapshot);
}
