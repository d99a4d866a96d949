/** The platform's events as the client's signals. Knows only the shape of AppState and NetInfo. */
import type { AppStateLike, SignalSource } from '../client/platform.ts';

export interface NetInfoLike {
  addEventListener(
    listener: (state: { readonly isConnected: boolean | null; readonly type?: string }) => void,
  ): () => void;
}

/** Another network (Wi-Fi to mobile) counts as `online` again: the old connection rarely survives it. */
export function appSignals(
  appState: AppStateLike | undefined,
  netInfo: NetInfoLike | undefined,
): SignalSource {
  return (listener) => {
    const subscription = appState?.addEventListener('change', (state) => {
      if (state === 'active') listener('wake');
    });
    let before: string | undefined;
    const unsubscribe = netInfo?.addEventListener(({ isConnected, type = '' }) => {
      const now = isConnected === false ? 'offline' : `online ${type}`;
      // The first call only tells how it is.
      if (before !== undefined && now !== before) listener(isConnected === false ? 'offline' : 'online');
      before = now;
    });
    return () => {
      subscription?.remove();
      unsubscribe?.();
    };
  };
}
