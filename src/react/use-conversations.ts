import { useMemo, useSyncExternalStore } from 'react';
import { useDash } from './dash-provider.tsx';
import type { ConversationsSnapshot } from './store/conversations.ts';

export interface ConversationList extends ConversationsSnapshot {
  /** Forgets a conversation; an answer that is under way is stopped. */
  remove(id: string): void;
  /** Forgets all, also what is kept: when a user signs out. */
  clear(): void;
}

/** All conversations in which something was asked. Changes with their states, not with their text. */
export function useConversations(): ConversationList {
  const { conversations } = useDash();
  const snapshot = useSyncExternalStore(
    conversations.subscribe,
    conversations.getSnapshot,
    conversations.getSnapshot,
  );
  const actions = useMemo(
    () => ({ remove: (id: string) => conversations.remove(id), clear: () => conversations.clear() }),
    [conversations],
  );
  return { ...snapshot, ...actions };
}
