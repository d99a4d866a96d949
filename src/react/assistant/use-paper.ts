/** Whether the browser is putting the page on paper: also by its own command, of which a page hears at the last moment. */
import { useSyncExternalStore } from 'react';

interface PrintingPage {
  addEventListener?(type: PrintEvent, listener: () => void): void;
  removeEventListener?(type: PrintEvent, listener: () => void): void;
}
type PrintEvent = 'beforeprint' | 'afterprint';

const page = globalThis as PrintingPage;
let isOnPaper = false;

/** True from `beforeprint` on. A store's news are drawn before the browser goes on, a mere state's may be later. */
export function useIsOnPaper(): boolean {
  return useSyncExternalStore(
    subscribe,
    () => isOnPaper,
    () => false,
  );
}

function subscribe(listener: () => void): () => void {
  const begin = (): void => {
    isOnPaper = true;
    listener();
  };
  const end = (): void => {
    isOnPaper = false;
    listener();
  };
  page.addEventListener?.('beforeprint', begin);
  page.addEventListener?.('afterprint', end);
  return () => {
    page.removeEventListener?.('beforeprint', begin);
    page.removeEventListener?.('afterprint', end);
    isOnPaper = false;
  };
}
