import { createDashClient } from '@dash-relay/client';
import { type AnswerMetadata, dashChatTransport } from '@dash-relay/client/ai-sdk';
import { type ChatTransport, DefaultChatTransport, type UIMessage, WebSocketChatTransport } from 'ai';
import { getToken, relayUrl } from './relay';

/** `metadata` of an answer says by each of the ways how it ended, and what it cost. */
export type Message = UIMessage<AnswerMetadata>;

export interface Way {
  readonly name: string;
  readonly words: string;
  readonly transport: ChatTransport<Message>;
  /** Stops the model and leaves the library reading, so that the receipt arrives; false where that is not possible. */
  stop(chatId: string): Promise<boolean>;
}

/** What the relay is asked for: prompts, models and limits of an action are the server's. */
const body = { action: 'chat' };

/** The library asks for its headers before it connects: a new connection has the token of then. */
const protocols = ['dash-relay.v1', ''];
async function headers(): Promise<Record<string, string>> {
  const token = await getToken();
  protocols[1] = `bearer.${token}`;
  return { authorization: `Bearer ${token}` };
}

/** One socket for all chats. */
const webSocket: Way = {
  name: 'WebSocketChatTransport',
  words: 'The library’s own, over one WebSocket',
  transport: new WebSocketChatTransport({ url: `${relayUrl}/v1/ai-sdk`, protocols, headers, body }),
  stop: async () => false,
};

/** A response for each answer. Closing one is a lost connection to the relay, so that a stop is a request. */
const api = `${relayUrl}/v1/ai-sdk/chat`;
const events: Way = {
  name: 'DefaultChatTransport',
  words: 'The library’s own, over HTTP',
  transport: new DefaultChatTransport({ api, headers, body }),
  async stop(chatId) {
    const url = `${api}/${encodeURIComponent(chatId)}/stream`;
    const { status } = await fetch(url, { method: 'DELETE', headers: await headers() });
    return status === 200;
  },
};

/** The client of Dash Relay, to which lost networks are its own business. */
const client = createDashClient({ url: relayUrl, getToken });
const dashTransport = dashChatTransport<Message>(client, { action: 'chat' });
const dash: Way = {
  name: 'dashChatTransport',
  words: 'Dash Relay’s own, whichever way the network lets through',
  transport: dashTransport,
  stop: async (chatId) => (await dashTransport.cancel(chatId)) !== undefined,
};

/** By the `?way=` of their addresses. */
export const WAYS = { websocket: webSocket, events, dash } as const;
export type WayKey = keyof typeof WAYS;

const asked = new URLSearchParams(location.search).get('way') ?? '';
export const wayKey: WayKey = asked in WAYS ? (asked as WayKey) : 'websocket';
export const way: Way = WAYS[wayKey];
