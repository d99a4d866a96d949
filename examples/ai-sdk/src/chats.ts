import { Chat } from '@ai-sdk/react';
import { isLost } from './failure';
import { type Message, way } from './ways';

const KEY = 'dash-relay-chats';
/** Between two tries to go on after a lost connection, ms: each twice as long as the one before. */
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;

interface KeptChat {
  readonly id: string;
  readonly messages: Message[];
}

/** Kept outside of components: an answer goes on while another chat is shown. */
export const chats: Chat<Message>[] = kept().map(openChat);
if (chats.length === 0) addChat();

/** A reload in mid-answer, or another way to the relay: the answer goes on, from its beginning, in the same message. */
for (const chat of chats) if (isUnfinished(chat)) void chat.resumeStream();

/** `sessionStorage`: until the tab is closed. What is kept of children's words is the app's to decide. */
function keepChats(): void {
  const all: KeptChat[] = chats.map(({ id, messages }) => ({ id, messages }));
  sessionStorage.setItem(KEY, JSON.stringify(all));
}
addEventListener('pagehide', keepChats);
document.addEventListener('visibilitychange', keepChats); // phones end pages that nobody sees

export function addChat(): Chat<Message> {
  const chat = openChat({ id: crypto.randomUUID(), messages: [] });
  chats.push(chat);
  return chat;
}

/** Its last question has no answer yet, or one whose ending nobody has seen. */
function isUnfinished({ messages }: Pick<Chat<Message>, 'messages'>): boolean {
  const last = messages.at(-1);
  return last !== undefined && (last.role === 'user' || last.metadata?.ending === undefined);
}

/**
 * The library's own transports leave it to the page to go on after a lost connection. By `dashChatTransport` none is
 * lost that the client does not bring back.
 */
function openChat({ id, messages }: KeptChat): Chat<Message> {
  let pause = FIRST_PAUSE_MS;
  const chat: Chat<Message> = new Chat<Message>({
    id,
    messages,
    transport: way.transport,
    onError(error) {
      if (!isLost(error)) return;
      setTimeout(() => void chat.resumeStream(), pause);
      pause = Math.min(2 * pause, LONGEST_PAUSE_MS);
    },
    onFinish({ isError }) {
      if (!isError) pause = FIRST_PAUSE_MS;
    },
  });
  return chat;
}

function kept(): readonly KeptChat[] {
  return JSON.parse(sessionStorage.getItem(KEY) ?? '[]') as readonly KeptChat[];
}
