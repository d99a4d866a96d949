/** Names of streams by which a chat's answer is found: those of PROTOCOL.md, "AI SDK", so that its other transports find it as well. */
import { chatName, chatNamePrefix } from '../ai-sdk/chat-name.ts';
import { mintStreamId } from '../client/platform.ts';
import { sha256 } from './sha256.ts';

/** What the names of all answers of a chat begin with. */
export function chatPrefix(chatId: string): string {
  const base64 = btoa(String.fromCharCode(...sha256(chatId)));
  return chatNamePrefix(base64.replaceAll('+', '-').replaceAll('/', '_'));
}

/** A new name for an answer to that chat. */
export function chatStreamId(chatId: string): string {
  return chatName(chatPrefix(chatId), mintStreamId());
}
