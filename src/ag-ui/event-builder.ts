/**
 * The one place where an answer becomes AG-UI events. It is told what a reader of a stream is told, in that order, and gives the
 * events that say it, each a list whose order counts:
 *
 *   const events = new EventBuilder(names);              // the thread, the run and the stream
 *   events.opened({ epoch, model, warning })             // once, first
 *   events.thinking(after, 'a piece')                    // `thinking`, after the delta of that number
 *   events.tool({ call, name, label, state })            // `tool`
 *   events.text('a piece')                               // `chunk`
 *   events.ended(ending)                                 // `done`, `cancelled` or `error`: the last
 *   events.failed(error)                                 // or: it cannot be read on; the last as well
 *
 * All text of an answer is one message, named by the stream, which stays open to the end. Ids are the same each time a stream is
 * read, so that what a client holds is written on and not doubled. No I/O and no clock.
 */
import type {
  AcceptedFrame,
  CancelledFrame,
  DoneFrame,
  EndingFrame,
  ErrorFrame,
  Refusal,
  ToolFrame,
  Usage,
} from '../protocol/frames.ts';
import {
  type AgUiEvent,
  type Beginning,
  type Failure,
  OF_RELAY,
  type OfRelay,
  PROTOCOL_VERSION,
  type Receipt,
  type TokenUsage,
} from './events.ts';
import { activityId, reasoningId } from './message-ids.ts';

/** What an answer is called: by AG-UI, and by the relay. */
export interface Names {
  readonly threadId: string;
  readonly runId: string;
  readonly streamId: string;
}

type Opening = Pick<AcceptedFrame, 'epoch' | 'model' | 'warning'>;
type ToolProgress = Pick<ToolFrame, 'call' | 'name' | 'label' | 'state'>;
type Error = Pick<ErrorFrame, 'code' | 'message' | 'retryable' | 'retryAfterMs' | 'requestId' | 'usage'>;

export class EventBuilder {
  readonly #names: Names;
  #epoch = '';
  #model = '';
  #isTextOpen = false;
  /** The span of reasoning that is open, and whether it holds a message that is. */
  #reasoning: { readonly messageId: string; hasMessage: boolean } | undefined;

  constructor(names: Names) {
    this.#names = names;
  }

  opened({ epoch, model, warning }: Opening): AgUiEvent[] {
    const { threadId, runId, streamId } = this.#names;
    this.#epoch = epoch;
    this.#model = model;
    const beginning: Beginning = { streamId, epoch, model, ...(warning && { warning }) };
    return [
      {
        type: 'RUN_STARTED',
        threadId,
        runId,
        protocolVersion: PROTOCOL_VERSION,
        metadata: ofRelay(beginning),
      },
    ];
  }

  /** @param content a further piece of a summary of what is thought, where there is one */
  thinking(after: number, content = ''): AgUiEvent[] {
    const opened = this.#openReasoning(reasoningId(this.#names.streamId, after));
    if (content === '' || this.#reasoning === undefined) return opened;
    const { messageId, hasMessage } = this.#reasoning;
    this.#reasoning.hasMessage = true;
    const start: AgUiEvent[] = hasMessage
      ? []
      : [{ type: 'REASONING_MESSAGE_START', messageId, role: 'reasoning' }];
    return [...opened, ...start, { type: 'REASONING_MESSAGE_CONTENT', messageId, delta: content }];
  }

  tool({ call, name, label, state }: ToolProgress): AgUiEvent[] {
    const content = { name, ...(label === undefined ? {} : { label }), state };
    const messageId = activityId(this.#names.streamId, call);
    return [
      ...this.#closeReasoning(),
      { type: 'ACTIVITY_SNAPSHOT', messageId, activityType: 'tool', content },
    ];
  }

  text(delta: string): AgUiEvent[] {
    const messageId = this.#names.streamId;
    return [...this.textBegins(), { type: 'TEXT_MESSAGE_CONTENT', messageId, delta }];
  }

  /** What goes ahead of a piece of text. For who has it as the inside of a JSON string and writes it unread. */
  textBegins(): AgUiEvent[] {
    const closed = this.#closeReasoning();
    if (this.#isTextOpen) return closed;
    this.#isTextOpen = true;
    const metadata = ofRelay({ epoch: this.#epoch });
    return [
      ...closed,
      { type: 'TEXT_MESSAGE_START', messageId: this.#names.streamId, role: 'assistant', metadata },
    ];
  }

  ended(ending: EndingFrame): AgUiEvent[] {
    if (ending.type === 'error') return this.failed(ending);
    const { threadId, runId } = this.#names;
    const receipt = this.#receipt(ending);
    const finished = { type: 'RUN_FINISHED', threadId, runId, metadata: ofRelay(receipt) } as const;
    const counts = usageOf(ending.usage, receipt.model);
    return [
      ...this.#close(receipt.refusal),
      ending.type === 'done'
        ? { ...finished, outcome: { type: 'success' }, result: receipt, ...counts }
        : { ...finished, outcome: { type: 'cancelled' }, ...counts },
    ];
  }

  /** The run ended as an error, or cannot be read on. */
  failed({ code, message, retryable, retryAfterMs, requestId, usage }: Error): AgUiEvent[] {
    const failure: Failure = {
      retryable,
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
      ...(requestId === undefined ? {} : { requestId }),
      ...(usage === undefined ? {} : { usage }),
    };
    const counts = usage === undefined ? {} : usageOf(usage, this.#model);
    return [...this.#close(), { type: 'RUN_ERROR', message, code, metadata: ofRelay(failure), ...counts }];
  }

  #receipt(ending: DoneFrame | CancelledFrame): Receipt {
    const { textLength, usage, timing } = ending;
    if (ending.type === 'cancelled')
      return { stopReason: 'cancelled', model: this.#model, textLength, usage, timing };
    const { stopReason, refusal, model } = ending;
    return { stopReason, ...(refusal && { refusal }), model, textLength, usage, timing };
  }

  #openReasoning(messageId: string): AgUiEvent[] {
    if (this.#reasoning?.messageId === messageId) return [];
    const closed = this.#closeReasoning();
    this.#reasoning = { messageId, hasMessage: false };
    return [...closed, { type: 'REASONING_START', messageId }];
  }

  #closeReasoning(): AgUiEvent[] {
    if (this.#reasoning === undefined) return [];
    const { messageId, hasMessage } = this.#reasoning;
    this.#reasoning = undefined;
    const end: AgUiEvent[] = hasMessage ? [{ type: 'REASONING_MESSAGE_END', messageId }] : [];
    return [...end, { type: 'REASONING_END', messageId }];
  }

  /** Closes what is open: no run may finish before. */
  #close(refusal?: Refusal): AgUiEvent[] {
    const closed = this.#closeReasoning();
    if (!this.#isTextOpen) return closed;
    this.#isTextOpen = false;
    const metadata = refusal?.partial === true ? { metadata: ofRelay({ epoch: this.#epoch, refusal }) } : {};
    return [...closed, { type: 'TEXT_MESSAGE_END', messageId: this.#names.streamId, ...metadata }];
  }
}

function ofRelay<T>(value: T): OfRelay<T> {
  return { [OF_RELAY]: value };
}

/** None where nothing is known. */
function usageOf(usage: Usage, model: string): { readonly usage?: readonly TokenUsage[] } {
  if (usage.source === 'none') return {};
  const { outputTokens, cacheReadTokens, cacheWriteTokens, thinkingTokens } = usage;
  const inputTokens = usage.inputTokens + cacheReadTokens + cacheWriteTokens;
  const counts: TokenUsage = {
    model,
    inputTokens,
    outputTokens,
    totalTokens: inputTokens + outputTokens,
    ...(thinkingTokens === undefined ? {} : { reasoningTokens: thinkingTokens }),
    cachedInputTokens: cacheReadTokens,
    cacheWriteInputTokens: cacheWriteTokens,
  };
  return { usage: [counts] };
}
