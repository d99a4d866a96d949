import {
  ActionBarPrimitive,
  AuiIf,
  ComposerPrimitive,
  ErrorPrimitive,
  MessagePrimitive,
  type ReasoningMessagePart,
  ThreadPrimitive,
  useAui,
  useAuiState,
} from '@assistant-ui/react';
import { failureOf } from './failure';
import { model } from './model';

export function Thread() {
  return (
    <ThreadPrimitive.Root className="thread" role="main">
      <ThreadPrimitive.Viewport className="log" role="log" aria-label="Conversation" tabIndex={0}>
        <AuiIf condition={({ thread }) => thread.isEmpty}>
          <p className="note">Ask anything. A reload in mid-answer loses nothing.</p>
        </AuiIf>
        <ThreadPrimitive.Messages>
          {({ message }) => (message.role === 'user' ? <Question /> : <Answer />)}
        </ThreadPrimitive.Messages>
      </ThreadPrimitive.Viewport>
      <ComposerPrimitive.Root className="composer">
        <label htmlFor="question">Your question</label>
        <ComposerPrimitive.Input id="question" minRows={2} maxRows={6} placeholder="Why is the sky blue?" />
        <AuiIf condition={({ thread }) => !thread.isRunning}>
          <ComposerPrimitive.Send className="primary">Send</ComposerPrimitive.Send>
        </AuiIf>
        <AuiIf condition={({ thread }) => thread.isRunning}>
          <Stop />
        </AuiIf>
      </ComposerPrimitive.Root>
    </ThreadPrimitive.Root>
  );
}

/** In place of `ComposerPrimitive.Cancel`, which stops the model too, but does not read how much the answer cost. */
function Stop() {
  const aui = useAui();
  const stop = async (): Promise<void> => {
    const receipt = await model.cancel(aui.thread.getState()).catch(() => undefined);
    if (receipt === undefined) aui.thread.cancelRun(); // nothing has begun yet
  };
  return (
    <button type="button" onClick={() => void stop()}>
      Stop
    </button>
  );
}

function Question() {
  return (
    <MessagePrimitive.Root className="user" role="article" aria-label="You">
      <MessagePrimitive.Parts components={{ Text }} />
    </MessagePrimitive.Root>
  );
}

function Answer() {
  const status = useAuiState(({ message }) => message.status);
  const isLast = useAuiState(({ message }) => message.isLast);
  const { text, canRetry } = failureOf(status) ?? {};
  return (
    <MessagePrimitive.Root className="assistant" role="article" aria-label="Answer">
      <MessagePrimitive.Parts components={{ Text, Reasoning }} />
      {text !== undefined && (
        <ErrorPrimitive.Root className="trouble">
          {text} {canRetry && isLast && <ActionBarPrimitive.Reload>Ask again</ActionBarPrimitive.Reload>}
        </ErrorPrimitive.Root>
      )}
      <Receipt />
    </MessagePrimitive.Root>
  );
}

function Text({ text }: { readonly text: string }) {
  return <p className="text">{text}</p>;
}

function Reasoning({ text }: Pick<ReasoningMessagePart, 'text'>) {
  return (
    <details>
      <summary>Thought</summary>
      <p className="text">{text}</p>
    </details>
  );
}

interface Ending {
  readonly model?: string;
  readonly usage?: { readonly inputTokens: number; readonly outputTokens: number };
  readonly timing?: { readonly totalMs: number };
}

/** How it ended, and what it cost: `metadata.custom` of an answer. */
function Receipt() {
  const status = useAuiState(({ message }) => message.status);
  const { model: name, usage, timing } = useAuiState(({ message }) => message.metadata.custom as Ending);
  if (status?.type === 'running') return <p className="note receipt">Answers…</p>;
  const isStopped = status?.type === 'incomplete' && status.reason === 'cancelled';
  if (usage === undefined || timing === undefined)
    return isStopped ? <p className="note receipt">Stopped</p> : null;
  const seconds = (timing.totalMs / 1000).toFixed(1);
  return (
    <p className="note receipt">
      {isStopped ? 'Stopped' : 'Done'}: {usage.inputTokens} tokens in, {usage.outputTokens} out · {seconds} s
      {name && ` · ${name}`}
    </p>
  );
}
