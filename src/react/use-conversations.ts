/** One conversation, and the list of all. */
import { useEffect, useMemo, useState, useSyncExternalStore } from 'react';
import { useDash } from './dash-provider.tsx';
import type { ConversationSnapshot } from './store/conversation-store.ts';
import { type ConversationsSnapshot, mintConversationId } from './store/conversations.ts';
import type { AskOptions } from './store/messages.ts';

export interface Conversation extends ConversationSnapshot {
  /** Asks; false where the text is empty or an answer is under way. `options` instead of the hook's. */
  send(text: string, options?: AskOptions): boolean;
  /** Stops the model; what has arrived stays. */
  stop(): void;
  /** Asks the last question again, instead of its answer. */
  regenerate(): boolean;
}

const GENERAL: AskOptions = { action: 'general_assistance' };

/**
 * The conversation of that id, or one of this component's own. It goes on while another is shown, and counts as read
 * while this component is on the screen. `options`: what is asked for beside the messages.
 * @example
 * ```tsx
 * import { useConversation } from '@dash-relay/client/react';
 *
 * export function Chat({ id }: { id: string }) {
 *   const { messages, isAnswering, send, stop } = useConversation(id, { action: 'homework_help' });
 *   return (
 *     <>
 *       {messages.map(({ id, content }) => <p key={id}>{content}</p>)}
 *       <button onClick={() => (isAnswering ? stop() : send('Why is the sky blue?'))}>{isAnswering ? 'Stop' : 'Ask'}</button>
 *     </>
 *   );
 * }
 * ```
 */
export function useConversation(id?: string, options: AskOptions = GENERAL): Conversation {
  const { conversations } = useDash();
  const [own] = useState(mintConversationId);
  const store = conversations.get(id ?? own);
  useEffect(() => conversations.view(store.id), [conversations, store]);
  const snapshot = useSyncExternalStore(store.subscribe, store.getSnapshot, store.getSnapshot);
  const actions = useMemo(
    () => ({
      send: (text: string, instead: AskOptions = options) => store.send(text, instead),
      stop: () => store.stop(),
      regenerate: () => store.regenerate(),
    }),
    [store, options],
  );
  return { ...snapshot, ...actions };
}

export interface ConversationList extends ConversationsSnapshot {
  /** Forgets a conversation; an answer that is under way is stopped. */
  remove(id: string): void;
  /** Forgets all, also what is kept: when a user signs out. */
  clear(): void;
}

/**
 * All conversations in which something was asked. Changes with their states, not with their text.
 * @example
 * ```tsx
 * import { useConversations } from '@dash-relay/client/react';
 *
 * export function Titles({ onShow }: { onShow: (id: string) => void }) {
 *   const { list, unreadCount, remove } = useConversations();
 *   return (
 *     <ul aria-label={`${unreadCount} unread`}>
 *       {list.map(({ id, title }) => (
 *         <li key={id}>
 *           <button onClick={() => onShow(id)}>{title}</button>
 *           <button onClick={() => remove(id)}>Forget</button>
 *         </li>
 *       ))}
 *     </ul>
 *   );
 * }
 * ```
 */
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
