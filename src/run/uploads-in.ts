/** What messages name that was sent before. */
import { isUploaded, type Message } from '../protocol/frames.ts';
import type { UploadReference } from '../uploads/port.ts';

export function uploadsIn(messages: readonly Message[]): UploadReference[] {
  return messages.flatMap(({ content }, message) => {
    if (typeof content === 'string') return [];
    return content.filter(isUploaded).map(({ type, source }) => ({ id: source.id, message, type }));
  });
}
