/** The AI SDK's own transports and its `Chat`, as an app has them, at the relay's routes for them. */
import { Chat } from '@ai-sdk/react';
import { type ChatTransport, DefaultChatTransport, WebSocketChatTransport } from 'ai';
import type { AnswerMetadata } from '../../src/ai-sdk/chunks.ts';
import { type AnswerMessage, textOf } from './library.ts';

export interface ChatDoor {
  readonly name: 'WebSocketChatTransport' | 'DefaultChatTransport' | 'dashChatTransport';
  /** @param body what the app adds to each request */
  transport(url: string, token: string, body?: object): ChatTransport<AnswerMessage>;
}

export const CHAT_DOORS: readonly ChatDoor[] = [
  {
    name: 'WebSocketChatTransport',
    transport: (url, token, body = {}) =>
      new WebSocketChatTransport<AnswerMessage>({
        url: `${url}/v1/ai-sdk`,
        protocols: ['dash-relay.v1', `bearer.${token}`],
        body: { action: 'chat', ...body },
      }),
  },
  {
    name: 'DefaultChatTransport',
    transport: (url, token, body = {}) =>
      new DefaultChatTransport<AnswerMessage>({
        api: `${url}/v1/ai-sdk/chat`,
        headers: { authorization: `Bearer ${token}` },
        body: { action: 'chat', ...body },
      }),
  },
];

/** @param id of the chat */
export function chatOn(transport: ChatTransport<AnswerMessage>, id: string): Chat<AnswerMessage> {
  return new Chat<AnswerMessage>({ id, transport });
}

export interface HeldAnswer {
  readonly text: string;
  readonly metadata: AnswerMetadata;
  readonly messages: number;
}

/** What a chat holds of its last answer. */
export function heldBy({ messages }: Chat<AnswerMessage>): HeldAnswer {
  const last = messages.at(-1);
  const answer = last?.role === 'assistant' ? last : undefined;
  return {
    text: textOf(answer ?? { parts: [] }),
    metadata: answer?.metadata ?? {},
    messages: messages.length,
  };
}

/**
 * Asks, and goes on as an app does after a lost network: resumes, and asks again only where the relay knows nothing of the question.
 * @returns how often it resumed, and asked again
 * @throws Error where text was lost
 */
export async function askThrough(
  chat: Chat<AnswerMessage>,
  text: string,
): Promise<{ readonly resumes: number; readonly asks: number }> {
  let resumes = 0;
  let asks = 1;
  await chat.sendMessage({ text });
  while (heldBy(chat).metadata.ending === undefined) {
    if (chat.status === 'error') {
      if (!(chat.error instanceof TypeError)) throw chat.error;
      resumes += 1;
      await chat.resumeStream();
    } else if (chat.messages.at(-1)?.role === 'user') {
      asks += 1;
      await chat.regenerate();
    } else {
      throw new Error(`${chat.status}, with ${heldBy(chat).text.length} characters and no ending`);
    }
  }
  return { resumes, asks };
}
