/** What a library's chat asks for, as the client asks it. */
import type { UIMessage } from 'ai';
import { chatRequestOf } from '../ai-sdk/chat-request.ts';
import { DashError } from '../client/dash-error.ts';
import type { StreamRequest } from '../protocol/frames.ts';
import { RelayError } from '../protocol/relay-error.ts';

/** @throws DashError in the words in which the relay would refuse it */
export function requestOf(chatId: string, messages: readonly UIMessage[], body: object): StreamRequest {
  const given = Object.entries(body).filter(([, value]) => value !== undefined);
  try {
    return chatRequestOf(chatId, messages, Object.fromEntries(given)).request as unknown as StreamRequest;
  } catch (error) {
    if (!(error instanceof RelayError)) throw error;
    throw new DashError({ code: error.code, message: error.message, retryable: false });
  }
}
