/** A stream of the client's as the AI SDK's library reads an answer: UI message chunks, from the beginning. */
import type { UIMessageChunk } from 'ai';
import { type AnswerEnd, ChunkBuilder } from '../ai-sdk/chunk-builder.ts';
import type { AnswerError, UiMessageChunk } from '../ai-sdk/chunks.ts';
import type { DashError } from '../client/dash-error.ts';
import type { Answer, DashStream, StreamOptions } from '../client/dash-stream.ts';

export interface AnswerReading {
  readonly stream: DashStream;
  readonly chunks: ReadableStream<UIMessageChunk>;
}

/**
 * @param open with these callbacks
 * @param leave nobody reads on: whether the model is to stop is the caller's to say
 */
export function readAnswer(
  id: string,
  open: (callbacks: Pick<StreamOptions, 'onChunk' | 'onThinking'>) => DashStream,
  leave: (stream: DashStream) => void,
): AnswerReading {
  const builder = new ChunkBuilder(id);
  const queue = createQueue(() => leave(stream));
  let isOpened = false;
  const opened = (): void => {
    if (isOpened) return;
    isOpened = true;
    const { position, warning } = stream;
    queue.push(builder.opened({ epoch: position.epoch, warning }));
  };
  const tell = (chunks: () => readonly UiMessageChunk[]): void => {
    opened();
    queue.push(chunks());
  };
  const stream = open({
    onChunk: (text) => tell(() => builder.text(text)),
    onThinking: (text) => tell(() => builder.thinking(text)),
  });
  const told = new Map<number, string>();
  const unsubscribe = stream.subscribe(() => {
    if (stream.position.epoch) opened();
    for (const tool of Object.values(stream.tools)) {
      if (told.get(tool.call) !== tool.state) tell(() => builder.tool(tool));
      told.set(tool.call, tool.state);
    }
  });
  stream.final.then(
    (answer) => {
      unsubscribe();
      tell(() => builder.ended(endOf(answer)));
      queue.end();
    },
    (error: DashError) => {
      unsubscribe();
      // The app gets the DashError itself, in place of the chunk of which the library keeps the text alone.
      const ending = isOpened ? builder.failed(errorOf(error)) : [];
      queue.push(ending.filter(({ type }) => type !== 'error'));
      queue.end(error);
    },
  );
  return { stream, chunks: queue.chunks };
}

/** An error waits until all chunks before it are read: raised earlier it would take them along. */
function createQueue(leave: () => void) {
  const waiting: UiMessageChunk[] = [];
  let isOver = false;
  let failure: DashError | undefined;
  let wake: (() => void) | undefined;
  return {
    push(chunks: readonly UiMessageChunk[]): void {
      if (isOver) return;
      waiting.push(...chunks);
      wake?.();
    },
    end(error?: DashError): void {
      isOver = true;
      failure = error;
      wake?.();
    },
    chunks: new ReadableStream<UIMessageChunk>(
      {
        async pull(controller) {
          while (waiting.length === 0 && !isOver) {
            await new Promise<void>((resolve) => {
              wake = resolve;
            });
          }
          const chunk = waiting.shift();
          if (chunk) controller.enqueue(chunk);
          else if (failure) controller.error(failure);
          else controller.close();
        },
        cancel() {
          waiting.length = 0;
          leave();
        },
      },
      { highWaterMark: 0 },
    ),
  };
}

function endOf({ outcome, content, stopReason, refusal, model, usage, timing }: Answer): AnswerEnd {
  const receipt = { textLength: content.length, usage, timing };
  if (outcome === 'cancelled') return { type: outcome, ...receipt };
  return { type: outcome, stopReason, model: model ?? '', ...(refusal ? { refusal } : {}), ...receipt };
}

export function errorOf({ code, message, retryable, retryAfterMs, requestId }: DashError): AnswerError {
  return {
    code: code as AnswerError['code'], // one of the client's own, too
    message,
    retryable,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(requestId === undefined ? {} : { requestId }),
  };
}
