/** A stream of the client's as assistant-ui's runtimes read an answer: again and again all its parts, and at last how it ended. */
import type { ChatModelRunResult } from '@assistant-ui/react';
import { DashError } from '../client/dash-error.ts';
import type { Answer, DashStream, StreamOptions } from '../client/dash-stream.ts';
import { errorOf } from './answer-stream.ts';

type Part = NonNullable<ChatModelRunResult['content']>[number];
type Status = NonNullable<ChatModelRunResult['status']>;

export type Callbacks = Pick<StreamOptions, 'onChunk' | 'onThinking'>;

/**
 * Pieces that come faster than they are drawn are told together.
 * @param open with these callbacks
 * @param signal of the library: aborted by its stop, which is a cancel, or where the thread goes, by which the answer is let go
 */
export async function* tellAnswer(
  open: (callbacks: Callbacks) => DashStream,
  signal: AbortSignal,
  onEnd: ((answer: Answer) => void) | undefined,
): AsyncGenerator<ChatModelRunResult, void> {
  const parts = createParts();
  const state: { isNew: boolean; isLeft: boolean; isLetGo: boolean; ended?: ChatModelRunResult } = {
    isNew: false,
    isLeft: false,
    isLetGo: false,
  };
  let wake = (): void => {};
  const tell = (): void => {
    if (state.isLetGo) return; // for good: the library would write a stopped answer into the app's history
    state.isNew = true;
    wake();
  };
  const stream = open({
    onChunk: (text) => {
      parts.add('text', text);
      tell();
    },
    onThinking: (text) => {
      parts.add('reasoning', text);
      tell();
    },
  });
  const custom = { id: stream.id };
  stream.final.then(
    (answer) => {
      state.ended = endOf(answer, parts.all());
      tell();
      onEnd?.(answer);
    },
    (error: DashError) => {
      state.ended = { content: parts.all(), status: statusOfError(error), metadata: { custom } };
      tell();
    },
  );
  const leave = (): void => {
    state.isLeft = true;
    state.isLetGo = isLetGo(signal);
    if (state.isLetGo) stream.detach();
    else void stream.cancel().catch(() => {}); // its ending is told above
    tell();
  };
  signal.addEventListener('abort', leave);
  if (signal.aborted) leave();
  try {
    for (;;) {
      while (!state.isNew) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      state.isNew = false;
      if (state.isLeft) return;
      const { ended } = state;
      yield ended ?? { content: parts.all(), metadata: { custom } };
      if (ended) return;
    }
  } finally {
    signal.removeEventListener('abort', leave);
  }
}

/** What cannot be asked is told as the answers that fail are: thrown, it would be an unhandled rejection of the library's. */
export async function* tellErrors(
  answer: AsyncGenerator<ChatModelRunResult, void>,
): AsyncGenerator<ChatModelRunResult, void> {
  try {
    yield* answer;
  } catch (error) {
    if (!(error instanceof DashError)) throw error;
    yield { status: statusOfError(error) };
  }
}

/** Text and thinking in the order in which they came. */
function createParts() {
  const parts: (Part & { readonly type: 'text' | 'reasoning' })[] = [];
  /** The model has begun to think anew, and not said of what. */
  let isAnew = false;
  return {
    add(type: 'text' | 'reasoning', text: string): void {
      if (text === '') {
        isAnew = true;
        return;
      }
      const last = parts.at(-1);
      if (last?.type !== type || isAnew) parts.push({ type, text });
      else parts[parts.length - 1] = { type, text: last.text + text };
      isAnew = false;
    },
    all: (): readonly Part[] => [...parts],
  };
}

function endOf(answer: Answer, parts: readonly Part[]): ChatModelRunResult {
  const { id, model, usage, timing, stopReason, refusal } = answer;
  const content = refusal?.partial ? [] : parts; // a part of what the model then declined is not to be shown
  return {
    content,
    status: statusOf(answer),
    metadata: { custom: { id, model, usage, timing, stopReason, refusal } },
  };
}

function statusOf({ outcome, stopReason }: Answer): Status {
  if (outcome === 'cancelled') return { type: 'incomplete', reason: 'cancelled' };
  if (stopReason === 'refusal') return { type: 'incomplete', reason: 'content-filter' };
  if (stopReason === 'max_tokens') return { type: 'incomplete', reason: 'length' };
  return { type: 'complete', reason: 'stop' };
}

function statusOfError(error: DashError): Status {
  return { type: 'incomplete', reason: 'error', error: { ...errorOf(error) } };
}

/** The library says so where a thread is left: nobody has stopped the answer. */
function isLetGo({ reason }: AbortSignal): boolean {
  return (reason as { readonly detach?: unknown } | undefined)?.detach === true;
}
