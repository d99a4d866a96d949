import { type Chat, useChat } from '@ai-sdk/react';
import { useState } from 'react';
import { addChat, chats } from './chats';
import { Conversation } from './conversation';
import { type Message, WAYS, way, wayKey } from './ways';

export function App() {
  const [shown, show] = useState(() => chats[0] ?? addChat());
  return (
    <>
      <header>
        <h1>useChat on Dash Relay</h1>
        <nav aria-label="Way to the relay" className="ways">
          {Object.entries(WAYS).map(([key, { name }]) => (
            <a key={key} href={`?way=${key}`} aria-current={key === wayKey ? 'page' : undefined}>
              {name}
            </a>
          ))}
        </nav>
        <p className="note">{way.words}. Change it in the middle of an answer: the answer goes on.</p>
      </header>
      <nav aria-label="Chats" className="chats">
        <button type="button" onClick={() => show(addChat())}>
          New chat
        </button>
        <ul>
          {chats.toReversed().map((chat) => (
            <li key={chat.id}>
              <ChatItem chat={chat} isShown={chat === shown} onShow={() => show(chat)} />
            </li>
          ))}
        </ul>
      </nav>
      <Conversation key={shown.id} chat={shown} />
    </>
  );
}

const STATES = { submitted: 'is asked', streaming: 'answers', ready: '', error: 'failed' };

interface ChatItemProps {
  readonly chat: Chat<Message>;
  readonly isShown: boolean;
  onShow(): void;
}

function ChatItem({ chat, isShown, onShow }: ChatItemProps) {
  const { messages, status } = useChat({ chat, throttle: 200 });
  const title = messages[0]?.parts.find((part) => part.type === 'text')?.text ?? 'Empty chat';
  return (
    <button type="button" onClick={onShow} aria-current={isShown ? 'true' : undefined} data-status={status}>
      <span className="title">{title}</span>
      <span className="state">{STATES[status]}</span>
    </button>
  );
}
