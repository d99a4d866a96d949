/** Files of UI messages on their way to the relay: large ones go ahead of the question, which then names them. */
import type { UIMessage } from 'ai';
import type { DashClient } from '../client/create-dash-client.ts';
import { upload } from '../client/upload.ts';

type Part = UIMessage['parts'][number];

/**
 * The messages with `upload:<id>` in place of each data URL of a PDF, or longer than `inlineLength`, UTF-16 code units.
 * @throws DashError as the relay refuses a file
 */
export async function sendFiles(
  client: Pick<DashClient, 'request'>,
  messages: readonly UIMessage[],
  inlineLength: number,
  signal: AbortSignal | undefined,
): Promise<UIMessage[]> {
  const sendPart = async (part: Part): Promise<Part> => {
    if (part.type !== 'file' || !part.url.startsWith('data:')) return part;
    if (part.mediaType !== 'application/pdf' && part.url.length <= inlineLength) return part;
    const { id } = await upload(client, fileOf(part.url, part.mediaType), signal ? { signal } : {});
    return { ...part, url: `upload:${id}` };
  };
  return await Promise.all(
    messages.map(async (message) => ({
      ...message,
      parts: message.role === 'user' ? await Promise.all(message.parts.map(sendPart)) : message.parts,
    })),
  );
}

function fileOf(url: string, type: string): Blob {
  const bytes = atob(url.slice(url.indexOf(',') + 1));
  return new Blob([Uint8Array.from(bytes, (byte) => byte.charCodeAt(0))], { type });
}
