/**
 * `@dash-relay/client/ai-sdk`: the client as a transport of the AI SDK's chats. Networks are the client's business: what is lost
 * on the way comes back by its own resume, and `useChat` does not hear of it. The library, `ai` 7 or later, is the app's own.
 */
import type { ChatTransport, UIMessage } from 'ai';
import type { AnswerMetadata } from '../ai-sdk/chunks.ts';
import type { DashClient } from '../client/create-dash-client.ts';
import type { DashError } from '../client/dash-error.ts';
import type { Answer, DashStream } from '../client/dash-stream.ts';
import type { StreamRequest } from '../protocol/frames.ts';
import { type AnswerReading, readAnswer } from './answer-stream.ts';
import { asOneUser, untilAborted } from './as-one-user.ts';
import { newestAnswer, type Receipt, stopAnswer } from './chat-answers.ts';
import { chatPrefix, chatStreamId } from './chat-stream-id.ts';
import { sendFiles } from './send-files.ts';
import { requestOf } from './stream-request.ts';

export type { AnswerMetadata, Receipt };

/** What each question has beside its messages; a call's own `body` goes ahead of it. */
export interface DashChatTransportOptions
  extends Pick<StreamRequest, 'action' | 'context' | 'parameters' | 'model' | 'maxTokens' | 'notify'> {
  /**
   * What `stop()` of the library does: it stops the model (`cancel`, the default), or lets go of the answer, which goes on (`detach`).
   * `useChat` calls it too where its component goes, unless it is given a `Chat` of the app's own by `chat`.
   */
  readonly onAbort?: 'cancel' | 'detach' | undefined;
  /** Data URLs of images up to so long go with the question, UTF-16 code units; longer ones are uploaded. Default 65,536. */
  readonly inlineLength?: number | undefined;
  /** Called when an answer has ended, with its receipt also after `stop()`, when the library does not listen any more. */
  readonly onEnd?: ((chatId: string, answer: Answer) => void) | undefined;
}

export interface DashChatTransport<MESSAGE extends UIMessage> extends ChatTransport<MESSAGE> {
  readonly resumeStreamIsReplay: true;
  /**
   * Stops the model and lets the library read on to the ending, so that the receipt is in the message's metadata; also an answer of
   * another tab or device. Undefined where nothing is live. @throws DashError
   */
  cancel(chatId: string): Promise<Receipt | undefined>;
}

/**
 * For `useChat` and `Chat`. Messages are named by their streams, and have `AnswerMetadata`. What fails reaches the app as
 * `DashError`, with its code.
 * @example
 * ```ts
 * import { Chat } from '@ai-sdk/react';
 * import { dashChatTransport } from '@dash-relay/client/ai-sdk';
 *
 * const chat = new Chat({ id: 'chat-1', transport: dashChatTransport(client, { action: 'chat' }) });
 * void chat.sendMessage({ text: 'Why is the sky blue?' });
 * ```
 */
export function dashChatTransport<MESSAGE extends UIMessage = UIMessage>(
  client: Pick<DashClient, 'stream' | 'attach' | 'streams' | 'request' | 'onUser'>,
  { onAbort = 'cancel', inlineLength = 65_536, onEnd, ...fixed }: DashChatTransportOptions,
): DashChatTransport<MESSAGE> {
  /** What is read here, by chat. */
  const open = new Map<string, DashStream>();
  /** Answers that were read to their end here: nothing of them is left to be resumed. */
  const read = new Set<string>();
  /** Resumes so far, by chat. */
  const resumes = new Map<string, number>();

  /** The library ends its earlier resume by an abort, in the turn in which it resumes anew: that is no stop. */
  const abort = async (chatId: string, stream: DashStream): Promise<void> => {
    const before = resumes.get(chatId);
    await Promise.resolve();
    if (onAbort === 'cancel' && resumes.get(chatId) === before) await stream.cancel().catch(() => {});
    else stream.detach();
  };
  const follow = (chatId: string, reading: AnswerReading, signal?: AbortSignal): AnswerReading['chunks'] => {
    const { stream, chunks } = reading;
    open.set(chatId, stream);
    const close = (): void => {
      if (open.get(chatId) === stream) open.delete(chatId);
    };
    const aborted = (): void => {
      close();
      void abort(chatId, stream);
    };
    const over = (): void => {
      signal?.removeEventListener('abort', aborted);
      close();
    };
    signal?.addEventListener('abort', aborted);
    if (signal?.aborted) aborted();
    stream.final.then(
      (answer) => {
        over();
        read.add(stream.id);
        onEnd?.(chatId, answer);
      },
      ({ code }: DashError) => {
        over();
        if (code !== 'detached' && code !== 'unreachable') read.add(stream.id);
      },
    );
    return chunks;
  };

  return {
    resumeStreamIsReplay: true,
    async sendMessages({ chatId, messages, body, abortSignal }) {
      const sent = await asOneUser(client, abortSignal, (signal) =>
        sendFiles(client, messages, inlineLength, signal),
      );
      const request = requestOf(chatId, sent, { ...fixed, ...body });
      const id = chatStreamId(chatId);
      const reading = readAnswer(id, (more) => client.stream(request, { id, ...more }), leaveTo(abortSignal));
      return follow(chatId, reading, abortSignal);
    },
    async reconnectToStream({ chatId, abortSignal }) {
      resumes.set(chatId, (resumes.get(chatId) ?? 0) + 1);
      const found = await untilAborted(newestAnswer(client, chatPrefix(chatId)), abortSignal);
      if (!found || (found.state === 'ended' && read.has(found.id))) return null;
      const { id, epoch } = found;
      const reading = readAnswer(id, (more) => client.attach(id, epoch, 0, more), leaveTo(abortSignal));
      return follow(chatId, reading, abortSignal);
    },
    async cancel(chatId) {
      return await stopAnswer(client, open.get(chatId), chatPrefix(chatId));
    },
  };
}

/** Who does not read on without having aborted lets go: the model is not stopped. */
function leaveTo(signal: AbortSignal | undefined): (stream: DashStream) => void {
  return (stream) => {
    if (!signal?.aborted) stream.detach();
  };
}
