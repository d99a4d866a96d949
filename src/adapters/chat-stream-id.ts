/** Names of streams by which a chat's answer is found: those of PROTOCOL.md, "AI SDK", so that its other transports find it as well. */
import { chatName, chatNamePrefix } from '../ai-sdk/chat-name.ts';
import { mintStreamId } from '../client/platform.ts';
import { sha256 } from './sha256.ts';

/** What the names of all answers of a chat begin with. `library`: by which it is asked, where it is not the AI SDK. */
export function chatPrefix(chatId: string, library?: string): string {
  const base64 = btoa(String.fromCharCode(...sha256(chatId)));
  return chatNamePrefix(base64.replaceAll('+', '-').replaceAll('/', '_'), library);
}

/** A new name for an answer to that chat. */
export function chatStreamId(chatId: string, library?: string): string {
  return chatName(chatPrefix(chatId, library), mintStreamId());
}
