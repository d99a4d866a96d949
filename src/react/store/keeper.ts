/** Writes a text to a storage, seldom: what is lost by a reload the relay sends again. */
import type { ClientClock, ClientTimer } from '../../client/clock.ts';

/** `sessionStorage`, `AsyncStorage` and the like. */
export interface ConversationStorage {
  getItem(key: string): string | null | Promise<string | null>;
  setItem(key: string, value: string): unknown;
}

export interface Keeper {
  /** Calls back with what was kept; in the same turn where the storage answers at once. */
  load(use: (text: string | null) => void): void;
  /** Writes before long. */
  soon(): void;
  now(): void;
}

/** Between two writes while text arrives, ms. */
const SOON_MS = 500;

export function createKeeper(
  storage: ConversationStorage,
  key: string,
  clock: ClientClock,
  write: () => string,
): Keeper {
  let timer: ClientTimer | undefined;
  let isWriting = false;
  let isStale = false;
  const now = async (): Promise<void> => {
    timer?.cancel();
    timer = undefined;
    isStale = true;
    if (isWriting) return; // one after the other, so that an older text never overtakes
    isWriting = true;
    while (isStale) {
      isStale = false;
      try {
        await storage.setItem(key, write());
      } catch {
        // A full or forbidden storage costs the comfort, and nothing else.
      }
    }
    isWriting = false;
  };
  return {
    load(use) {
      try {
        const text = storage.getItem(key);
        if (text instanceof Promise) text.then(use, () => use(null));
        else use(text);
      } catch {
        use(null); // forbidden, as some browsers do
      }
    },
    soon() {
      timer ??= clock.after(SOON_MS, () => void now());
    },
    now: () => void now(),
  };
}
