import { type Chat, useChat } from '@ai-sdk/react';
import { type KeyboardEvent, useState } from 'react';
import { failureOf, isLost } from './failure';
import { type Message, way } from './ways';

export function Conversation({ chat }: { readonly chat: Chat<Message> }) {
  // At most 20 drawings a second, however fast text arrives.
  const { messages, status, error, sendMessage, regenerate, stop } = useChat({ chat, throttle: 50 });
  const [question, setQuestion] = useState('');
  const isUnderWay = status === 'submitted' || status === 'streaming';

  const ask = (): void => {
    if (isUnderWay || question.trim() === '') return;
    setQuestion('');
    void sendMessage({ text: question.trim() });
  };
  const stopAnswer = async (): Promise<void> => {
    const isStopped = await way.stop(chat.id).catch(() => false);
    if (!isStopped) await stop(); // not begun yet, or the library itself tells the relay
  };
  const askByEnter = (event: KeyboardEvent): void => {
    if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    ask();
  };

  return (
    <main>
      {/* A region that scrolls has to be reached by the keyboard. */}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: see above */}
      <div className="log" role="log" aria-label="Conversation" aria-busy={isUnderWay} tabIndex={0}>
        <div className="messages">
          {messages.length === 0 && (
            <p className="note">Ask anything. A reload in mid-answer loses nothing.</p>
          )}
          {messages.map((message) => (
            <MessageItem
              key={message.id}
              message={message}
              isUnderWay={isUnderWay && message === messages.at(-1)}
            />
          ))}
          {status === 'submitted' && <p className="note">Waiting for the first words…</p>}
          <Trouble chat={chat} error={error} isUnderWay={isUnderWay} onAskAgain={() => void regenerate()} />
        </div>
      </div>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          ask();
        }}
      >
        <label htmlFor="question">Your question</label>
        <textarea
          id="question"
          rows={2}
          value={question}
          onChange={(event) => setQuestion(event.target.value)}
          onKeyDown={askByEnter}
          placeholder="Why is the sky blue?"
        />
        {isUnderWay ? (
          <button type="button" onClick={() => void stopAnswer()}>
            Stop
          </button>
        ) : (
          <button type="submit">Send</button>
        )}
      </form>
    </main>
  );
}

interface MessageItemProps {
  readonly message: Message;
  readonly isUnderWay: boolean;
}

function MessageItem({ message: { role, parts, metadata }, isUnderWay }: MessageItemProps) {
  // A part of what the model then declined is not to be shown.
  const shown = metadata?.refusal?.partial ? [] : parts;
  return (
    <article className={role} aria-label={role === 'user' ? 'You' : 'Answer'}>
      {shown.map((part, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: parts have no ids, and none is ever moved
        <Part key={index} part={part} isUnderWay={isUnderWay} />
      ))}
      {role === 'assistant' && (
        <p className="note receipt">{isUnderWay ? 'Answers…' : receiptOf(metadata)}</p>
      )}
    </article>
  );
}

interface PartProps {
  readonly part: Message['parts'][number];
  readonly isUnderWay: boolean;
}

function Part({ part, isUnderWay }: PartProps) {
  if (part.type === 'text') return <p className="text">{part.text}</p>;
  if (part.type === 'dynamic-tool') return <p className="note">Uses {part.title ?? part.toolName}</p>;
  if (part.type !== 'reasoning') return null;
  // Empty where the action shows nothing of what its model thinks.
  if (part.text === '') return isUnderWay && part.state !== 'done' ? <p className="note">Thinks…</p> : null;
  return (
    <details>
      <summary>Thought</summary>
      <p className="text">{part.text}</p>
    </details>
  );
}

/** How it ended, and what it cost. */
function receiptOf(metadata: Message['metadata']): string {
  const { ending, refusal, model, usage, timing } = metadata ?? {};
  if (ending === 'error') return '';
  const how = refusal ? 'Declined' : ending === 'done' ? 'Done' : 'Stopped';
  if (usage === undefined || timing === undefined) return how;
  const seconds = (timing.totalMs / 1000).toFixed(1);
  return `${how}: ${usage.inputTokens} tokens in, ${usage.outputTokens} out · ${seconds} s · ${model}`;
}

interface TroubleProps {
  readonly chat: Chat<Message>;
  readonly error: Error | undefined;
  readonly isUnderWay: boolean;
  onAskAgain(): void;
}

/** What went wrong, in words for people, and what can be done. */
function Trouble({ chat, error, isUnderWay, onAskAgain }: TroubleProps) {
  if (isUnderWay || chat.messages.length === 0) return null;
  if (isLost(error)) return <p role="alert">The connection is lost. The answer goes on when it is back.</p>;
  // That of the metadata is still there after a reload.
  const known = chat.lastMessage?.metadata?.error ?? error;
  const isUnanswered = chat.lastMessage?.role === 'user';
  if (known === undefined && !isUnanswered) return null;
  const { text, canRetry } = known ? failureOf(known) : { text: 'Nothing was answered.', canRetry: true };
  return (
    <p role="alert">
      {text}{' '}
      {canRetry && (
        <button type="button" onClick={onAskAgain}>
          Ask again
        </button>
      )}
    </p>
  );
}
