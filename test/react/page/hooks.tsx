/** The hooks in StrictMode with a client and frames that the test moves by hand, by way of `window.test`. */
import { StrictMode, useState } from 'react';
import { flushSync } from 'react-dom';
import { createRoot } from 'react-dom/client';
import {
  type Conversation,
  type ConversationList,
  DashProvider,
  type DashStreamState,
  useConnection,
  useConversation,
  useConversations,
  useDashStream,
} from '../../../src/react/index.ts';
import { FakeClient } from '../fake-client.ts';

const client = new FakeClient();
const frames: (() => void)[] = [];
const signals = new Set<(signal: 'online' | 'offline' | 'wake') => void>();
/** How often each was committed with something new in it. */
const renders = { conversation: 0, list: 0 };

interface Seen {
  conversation?: Conversation;
  list?: ConversationList;
  stream?: DashStreamState;
  connection?: string;
}
const seen: Seen = {};

function Shown({ id }: { id: string }) {
  seen.conversation = useConversation(id, { action: 'chat' });
  renders.conversation += 1;
  return <p>{seen.conversation.messages.map(({ content }) => content).join('|')}</p>;
}

function List() {
  seen.list = useConversations();
  seen.connection = useConnection();
  renders.list += 1;
  return null;
}

function Single() {
  seen.stream = useDashStream();
  return <b>{seen.stream.text}</b>;
}

function App() {
  const [id, setId] = useState('one');
  const [isThere, setThere] = useState(true);
  control.show = (next) => flushSync(() => setId(next));
  control.leave = () => flushSync(() => setThere(false));
  control.comeBack = () => flushSync(() => setThere(true));
  if (!isThere) return null;
  return (
    <DashProvider
      client={client}
      frameScheduler={(callback) => frames.push(callback)}
      signals={(listener) => {
        signals.add(listener);
        return () => signals.delete(listener);
      }}
    >
      <Shown id={id} />
      <List />
      <Single />
    </DashProvider>
  );
}

const control = {
  client,
  seen,
  renders,
  signals,
  draw: () =>
    flushSync(() => {
      for (const callback of frames.splice(0)) callback();
    }),
  signal: (name: 'online' | 'offline' | 'wake') =>
    flushSync(() => {
      for (const listener of signals) listener(name);
    }),
  show: (_id: string): void => {},
  leave: (): void => {},
  comeBack: (): void => {},
};

declare global {
  interface Window {
    test: typeof control;
  }
}
window.test = control;

const root = document.getElementById('root');
if (root !== null) {
  createRoot(root).render(
    <StrictMode>
      <App />
    </StrictMode>,
  );
}
