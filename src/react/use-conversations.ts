/** One conversation, and the list of all. */
import { useEffect, useMemo, useState, useSyncExternalStore } from 'react';
import { useDash } from './dash-provider.tsx';
import type { ConversationSnapshot, ConversationSummary } from './store/conversation-store.ts';
import { type ConversationsSnapshot, mintConversationId } from './store/conversations.ts';
import type { ExportedFile, Speakers } from './store/markdown-export.ts';
import { type AskOptions, CONTINUE_PROMPT } from './store/messages.ts';

export interface Conversation extends ConversationSnapshot {
  /** Asks; false where the text is empty or an answer is under way. `options` instead of the hook's. */
  send(text: string, options?: AskOptions): boolean;
  /** Stops the model; what has arrived stays. */
  stop(): void;
  /** Asks the last question again. Its answer is kept beside the new one, if it has words. */
  regenerate(): boolean;
  /** Asks `text` instead of the question with that id, and goes on from there; the older one is kept with all that followed. */
  edit(id: string, text: string, options?: AskOptions): boolean;
  /**
   * Asks for the rest of the last answer, if it was stopped, broke off or reached its longest length. `prompt`: what the
   * model is told.
   */
  continueAnswer(prompt?: string, options?: AskOptions): boolean;
  /** Shows that one of `variants`, with what followed on it; false where there is none. */
  showVariant(id: string): boolean;
}

const GENERAL: AskOptions = { action: 'general_assistance' };
const SPEAKERS: Speakers = { you: 'You', assistant: 'Assistant' };

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
      edit: (id: string, text: string, instead: AskOptions = options) => store.edit(id, text, instead),
      continueAnswer: (prompt: string = CONTINUE_PROMPT, instead: AskOptions = options) =>
        store.continueAnswer(prompt, instead),
      showVariant: (id: string) => store.showVariant(id),
    }),
    [store, options],
  );
  return { ...snapshot, ...actions };
}

export interface ConversationList extends ConversationsSnapshot {
  /**
   * Takes a conversation away, also from the storage; an answer that is under way is stopped. It is `removed` for ten
   * seconds, in which it can be brought back.
   */
  remove(id: string): void;
  /** Brings `removed` back: its id, or undefined where there is none any more. */
  undoRemove(): string | undefined;
  /** Gives it a name; '' has it called by its first question again. */
  rename(id: string, name: string): void;
  /** Those in which each word of `query` stands, in the title or in what was said; case and accents do not count. */
  search(query: string): readonly ConversationSummary[];
  /** A line of plain text around a word of `query` that was said in that one; undefined where its title has them all. */
  excerpt(id: string, query: string): string | undefined;
  /** What is shown of it as Markdown, with a name for the file. `speakers`: how they are called, by default in English. */
  exportMarkdown(id: string, speakers?: Speakers): ExportedFile;
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
    () => ({
      remove: (id: string) => conversations.remove(id),
      undoRemove: () => conversations.undoRemove(),
      rename: (id: string, name: string) => conversations.get(id).rename(name),
      search: (query: string) => conversations.search(query),
      excerpt: (id: string, query: string) => conversations.excerpt(id, query),
      exportMarkdown: (id: string, speakers: Speakers = SPEAKERS) => conversations.export(id, speakers),
      clear: () => conversations.clear(),
    }),
    [conversations],
  );
  return { ...snapshot, ...actions };
}
