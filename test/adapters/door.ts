/** `dashChatTransport` as one of the ways of the AI SDK's chats to the relay, each with a client of its own. */
import { onTestFinished } from 'vitest';
import { dashChatTransport } from '../../src/adapters/dash-chat-transport.ts';
import { createDashClient } from '../../src/client/index.ts';
import type { ChatDoor } from '../ai-sdk/chats.ts';
import type { AnswerMessage } from '../ai-sdk/library.ts';

export const SDK_DOOR: ChatDoor = {
  name: 'dashChatTransport',
  transport(url, token, body = {}) {
    const client = createDashClient({ url, getToken: () => token });
    onTestFinished(() => client.close());
    return dashChatTransport<AnswerMessage>(client, { action: 'chat', ...body });
  },
};
