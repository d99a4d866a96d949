/** What goes with the next question of a conversation, and how the files of its messages fare. */
import { useMemo, useSyncExternalStore } from 'react';
import { useDash } from './dash-provider.tsx';
import type { Attachment, ChosenFile } from './store/attachment.ts';
import type { HeldFile } from './store/attachments.ts';

/** One that is attached and not sent yet. */
export type PendingAttachment = Attachment & HeldFile;

export interface PendingAttachments {
  /** In the order in which they were chosen. */
  readonly list: readonly PendingAttachment[];
  /** Prepares and uploads them; `send` of `useConversation` takes them along once all are `ready`. */
  add(files: readonly ChosenFile[]): void;
  remove(id: string): void;
  /** What it shows, in the person's words: the model is told, and so are screen readers. */
  describe(id: string, alt: string): void;
  /** Of one that `failed`. */
  retry(id: string): void;
}

/**
 * Of the conversation of that id, which may be one that has not begun.
 * @example
 * ```tsx
 * import { useAttachments } from '@dash-relay/client/react';
 *
 * export function Photos({ id }: { id: string }) {
 *   const { list, remove } = useAttachments(id);
 *   return list.map(({ id, uri, status }) => (
 *     <button key={id} aria-label={`Remove, ${status}`} onClick={() => remove(id)}><img src={uri} alt="" /></button>
 *   ));
 * }
 * ```
 */
export function useAttachments(id: string): PendingAttachments {
  const { conversations } = useDash();
  const { attachments } = conversations;
  const { attached } = conversations.get(id);
  const chosen = useSyncExternalStore(attached.subscribe, attached.getSnapshot, attached.getSnapshot);
  const files = useSyncExternalStore(attachments.subscribe, attachments.getSnapshot, attachments.getSnapshot);
  const list = useMemo(
    () =>
      chosen.flatMap((each) => {
        const file = files.get(each.id);
        return file ? [{ ...file, ...each }] : [];
      }),
    [chosen, files],
  );
  const actions = useMemo(
    () => ({
      add: (added: readonly ChosenFile[]) => attached.add(added),
      remove: (id: string) => attached.remove(id),
      describe: (id: string, alt: string) => attached.describe(id, alt),
      retry: (id: string) => attachments.retry(id),
    }),
    [attached, attachments],
  );
  return useMemo(() => ({ list, ...actions }), [list, actions]);
}

/** How that file fares; undefined where this page does not have it, or no longer. */
export function useHeldFile(id: string): HeldFile | undefined {
  const { attachments } = useDash().conversations;
  const read = (): HeldFile | undefined => attachments.getSnapshot().get(id);
  return useSyncExternalStore(attachments.subscribe, read, read);
}
