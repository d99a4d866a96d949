/** Writes a text to a storage, seldom: what is lost by a reload the relay sends again. */
import type { ClientClock, ClientTimer } from '../../client/platform.ts';
import { type ConversationStorage, SharedText, type WrittenState } from './shared-text.ts';

export interface ConversationWriter {
  /**
   * Calls back once with what was kept; in the same turn where the storage answers at once. `null` also where a storage
   * that answers later has failed some times over. Calls after the first do nothing.
   */
  load(use: (text: string | null) => void): void;
  /** Writes before long. */
  soon(): void;
  now(): void;
  /** Writes nothing more than what it was told to write already, and takes nothing in. */
  stop(): void;
  /** Takes in again what others write, and have written since `stop`. */
  resume(): void;
}

/** Between two writes while text arrives, ms. */
const SOON_MS = 500;
/** Before a storage that failed is read again, ms. What cannot be read is not written over without these attempts. */
const READ_AGAIN_MS = [500, 2000, 8000];

export function createConversationWriter(
  storage: ConversationStorage,
  key: string,
  clock: ClientClock,
  state: WrittenState,
): ConversationWriter {
  let timer: ClientTimer | undefined;
  let isWriting = false;
  let latest: ReturnType<WrittenState['write']> | undefined;
  let isLoaded = false;
  let isRead = false;
  let isStopped = false;
  const soon = (): void => {
    timer ??= clock.after(SOON_MS, () => void now());
  };
  const shared = new SharedText(storage, key, state, soon);
  const now = async (): Promise<void> => {
    timer?.cancel();
    timer = undefined;
    if (shared.isMerging) return;
    latest = state.write();
    if (isWriting) return; // one after the other, so that an older text never overtakes
    isWriting = true;
    while (latest !== undefined) {
      if (shared.merge()) latest = state.write();
      const { text, written } = latest;
      latest = undefined;
      try {
        await storage.setItem(key, text);
        shared.see(text);
        written();
      } catch {
        // A full or forbidden storage costs the comfort, and nothing else.
      }
    }
    isWriting = false;
  };
  const read = (use: (text: string | null) => void, pauses: readonly number[]): void => {
    const failed = (): void => {
      const [pause, ...later] = pauses;
      if (pause === undefined) use(null);
      else clock.after(pause, () => read(use, later));
    };
    let answer: ReturnType<ConversationStorage['getItem']>;
    try {
      answer = storage.getItem(key);
    } catch {
      use(null); // forbidden, as some browsers do
      return;
    }
    if (answer !== null && typeof answer === 'object') answer.then(use, failed);
    else use(answer);
  };
  return {
    load(use) {
      if (!isLoaded)
        read((text) => {
          isRead = true;
          shared.see(text);
          if (!isStopped) shared.listen();
          use(text);
        }, READ_AGAIN_MS);
      isLoaded = true;
    },
    soon() {
      if (!shared.isMerging) soon();
    },
    now: () => void now(),
    stop() {
      isStopped = true;
      timer?.cancel();
      timer = undefined;
      shared.end();
    },
    resume() {
      isStopped = false;
      if (isRead) shared.listen();
    },
  };
}
