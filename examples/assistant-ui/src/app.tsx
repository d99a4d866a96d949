import { AssistantRuntimeProvider, useLocalRuntime } from '@assistant-ui/react';
import { history } from './history';
import { model } from './model';
import { Thread } from './thread';

export function App() {
  const runtime = useLocalRuntime(model, { adapters: { history } });
  return (
    <AssistantRuntimeProvider runtime={runtime}>
      <header>
        <h1>assistant-ui on Dash Relay</h1>
        <p className="note">Reload in the middle of an answer: it goes on.</p>
      </header>
      <Thread />
    </AssistantRuntimeProvider>
  );
}
