/**
 * `@dash-relay/client/assistant-ui`: the client as a model of assistant-ui's local runtime. Networks are the client's business: what is
 * lost on the way comes back by its own resume, and the thread does not hear of it. The library, `@assistant-ui/react`, is the app's own.
 */
import type { ChatModelAdapter, ChatModelRunOptions, ChatModelRunResult } from '@assistant-ui/react';
import type { DashClient } from '../client/create-dash-client.ts';
import type { Answer, DashStream } from '../client/dash-stream.ts';
import type { StreamRequest } from '../protocol/frames.ts';
import { type Callbacks, tellAnswer, tellErrors } from './answer-parts.ts';
import { asOneUser, untilAborted } from './as-one-user.ts';
import { newestAnswer, type Receipt, stopAnswer } from './chat-answers.ts';
import { chatPrefix, chatStreamId } from './chat-stream-id.ts';
import { sendFiles } from './send-files.ts';
import { requestOf } from './stream-request.ts';
import { uiMessagesOf } from './thread-messages.ts';

export type { Receipt };

/** Of whose answers these are, in the names of streams. */
const LIBRARY = 'aui';

/** What each question has beside its messages; `runConfig.custom` of a run goes ahead of it. */
export interface DashChatModelOptions
  extends Pick<StreamRequest, 'action' | 'context' | 'parameters' | 'model' | 'maxTokens' | 'notify'> {
  /** Data URLs of images up to so long go with the question, UTF-16 code units; longer ones are uploaded. Default 65,536. */
  readonly inlineLength?: number | undefined;
  /** Called when an answer has ended, with its receipt also after a stop, when the library does not listen any more. */
  readonly onEnd?: ((answer: Answer) => void) | undefined;
}

type Run = (options: ChatModelRunOptions) => AsyncGenerator<ChatModelRunResult, void>;

export interface DashChatModel extends ChatModelAdapter {
  readonly run: Run;
  /**
   * The newest answer to the thread's last question, from its beginning, also of another page or device; where there is none the question
   * is asked. For `resumeRun({ parentId, stream })` of a thread, and `resume` of a history. The question's id has to be the same.
   */
  readonly resume: Run;
  /**
   * Stops the answer to the thread's last question and lets the library read on to the ending, so that the receipt is in the message's
   * metadata; also an answer of another page or device. Undefined where nothing is live. @throws DashError
   */
  cancel(thread: Pick<ChatModelRunOptions, 'messages'>): Promise<Receipt | undefined>;
}

/**
 * For `useLocalRuntime`. What fails is the `error` of the message's status: code, message and whether trying again may help. How the answer
 * ended is in `metadata.custom`: model, usage, timing.
 * @example
 * ```tsx
 * import { AssistantRuntimeProvider, useLocalRuntime } from '@assistant-ui/react';
 * import { dashChatModel } from '@dash-relay/client/assistant-ui';
 *
 * const model = dashChatModel(client, { action: 'chat' });
 *
 * export function Assistant({ children }: { readonly children: React.ReactNode }) {
 *   const runtime = useLocalRuntime(model);
 *   return <AssistantRuntimeProvider runtime={runtime}>{children}</AssistantRuntimeProvider>;
 * }
 * ```
 */
export function dashChatModel(
  client: Pick<DashClient, 'stream' | 'attach' | 'streams' | 'request' | 'onUser'>,
  { inlineLength = 65_536, onEnd, ...fixed }: DashChatModelOptions,
): DashChatModel {
  /** What is read here, by question. */
  const open = new Map<string, DashStream>();

  function tell(question: string, signal: AbortSignal, begin: (callbacks: Callbacks) => DashStream) {
    const opened = (callbacks: Callbacks): DashStream => {
      const stream = begin(callbacks);
      open.set(question, stream);
      const close = (): void => {
        if (open.get(question) === stream) open.delete(question);
      };
      stream.final.then(close, close);
      return stream;
    };
    return tellAnswer(opened, signal, onEnd);
  }
  async function* ask({ messages, abortSignal, runConfig, context }: ChatModelRunOptions) {
    const question = questionOf(messages);
    const sent = await asOneUser(client, abortSignal, (signal) =>
      sendFiles(client, uiMessagesOf(messages), inlineLength, signal),
    );
    const body = { ...fixed, ...(context.system ? { system: context.system } : {}), ...runConfig.custom };
    const request = requestOf(question, sent, body);
    const id = chatStreamId(question, LIBRARY);
    yield* tell(question, abortSignal, (callbacks) => client.stream(request, { id, ...callbacks }));
  }
  async function* find(options: ChatModelRunOptions) {
    const question = questionOf(options.messages);
    const newest = newestAnswer(client, chatPrefix(question, LIBRARY));
    const found = await untilAborted(newest, options.abortSignal);
    if (!found) return yield* ask(options);
    const { id, epoch } = found;
    yield* tell(question, options.abortSignal, (callbacks) => client.attach(id, epoch, 0, callbacks));
  }
  return {
    run: (options) => tellErrors(ask(options)),
    resume: (options) => tellErrors(find(options)),
    async cancel({ messages }) {
      const question = questionOf(messages);
      return await stopAnswer(client, open.get(question), chatPrefix(question, LIBRARY));
    },
  };
}

/** By which its answers are found. */
function questionOf(messages: ChatModelRunOptions['messages']): string {
  return messages.findLast(({ role }) => role === 'user')?.id ?? 'none';
}
