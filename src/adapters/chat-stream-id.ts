/** Names of streams by which a chat's answer is found: those of PROTOCOL.md, "AI SDK", so that its other transports find it as well. */
import { mintStreamId } from '../client/platform.ts';
import { sha256 } from './sha256.ts';

/** Characters of each half of a name. */
const HALF = 22;

/** What the names of all answers of a chat begin with. Of the chat's own id nothing is in it. */
export function chatPrefix(chatId: string): string {
  const base64 = btoa(String.fromCharCode(...sha256(chatId)));
  return `aisdk-${base64.replaceAll('+', '-').replaceAll('/', '_').slice(0, HALF)}-`;
}

/** A new name for an answer to that chat. */
export function chatStreamId(chatId: string): string {
  return chatPrefix(chatId) + mintStreamId().slice(0, HALF);
}
