/** Messages of assistant-ui's threads as UI messages, of which the relay's are made. */
import type { ThreadMessage } from '@assistant-ui/react';
import type { UIMessage } from 'ai';

type ThreadPart = ThreadMessage['content'][number];
type UiPart = UIMessage['parts'][number];

/** What people and the model said; attachments follow the text they came with. What the model thought stays here. */
export function uiMessagesOf(messages: readonly ThreadMessage[]): UIMessage[] {
  return messages.map(({ id, role, content, attachments = [] }) => {
    const attached = attachments.flatMap((attachment) => attachment.content ?? []);
    return { id, role, parts: [...content, ...attached].flatMap(uiPartsOf) };
  });
}

function uiPartsOf(part: ThreadPart): UiPart[] {
  if (part.type === 'text') return part.text === '' ? [] : [{ type: 'text', text: part.text }];
  if (part.type === 'image') return [filePart(mediaTypeOf(part.image), part.image)];
  if (part.type !== 'file') return [];
  const isUrl = part.sourceType !== undefined || /^[a-z]+:/i.test(part.data);
  return [filePart(part.mimeType, isUrl ? part.data : `data:${part.mimeType};base64,${part.data}`)];
}

function filePart(mediaType: string, url: string): UiPart {
  return { type: 'file', mediaType, url };
}

function mediaTypeOf(url: string): string {
  return /^data:([^;,]+)/i.exec(url)?.[1] ?? 'image/*';
}
