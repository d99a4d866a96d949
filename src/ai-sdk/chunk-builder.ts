/**
 * The one place where an answer becomes UI message chunks, whoever sends them: the relay's routes for the AI SDK, and the
 * client's adapter. It is told what a reader of a stream is told, in that order, and gives the chunks that say it:
 *
 *   const chunks = new ChunkBuilder('q-V1StGXR8Z5jdHi6B');  // the id of the stream
 *   chunks.opened({ model, epoch, warning })                // `accepted`, or `resumed` from the beginning: once, first
 *   chunks.thinking()  chunks.thinking('a piece')           // `thinking`, without or with a summary
 *   chunks.tool({ call, name, label, state })               // `tool`
 *   chunks.text('a piece')                                  // `chunk`
 *   chunks.ended(ending)                                    // `done`, `cancelled` or `error`: the last
 *   chunks.failed(error)                                    // or: it cannot be read on; the last as well
 *
 * Each gives a list, often of one, whose order counts. An answer is one message of one step: what is thought is a reasoning part,
 * a call of a tool a dynamic tool part that its provider executes, text between two of those a text part. One builder is
 * for one reading from the beginning: a replay takes another. Where a reader goes on after text that it holds,
 * `continued()` takes the place of `opened()`. No I/O and no clock.
 *
 * Who has text as the inside of a JSON string already, and need not read it, asks `textPart()` for the part, and writes the delta
 * itself.
 */
import type { CancelledFrame, DoneFrame, ErrorFrame, QuotaState, ToolFrame } from '../protocol/frames.ts';
import {
  type AnswerError,
  type AnswerMetadata,
  errorText,
  type FinishReason,
  type UiMessageChunk,
} from './chunks.ts';

/** How a stream ended: one of its ending frames is that. */
export type AnswerEnd =
  | Omit<DoneFrame, 'id' | 'seq'>
  | Omit<CancelledFrame, 'id' | 'seq'>
  | Omit<ErrorFrame, 'id' | 'seq' | 'of'>;

/** What is known of an answer at its beginning. */
export interface Opening {
  readonly model?: string | undefined;
  readonly epoch?: string | undefined;
  readonly warning?: QuotaState | undefined;
}

type ToolProgress = Pick<ToolFrame, 'call' | 'name' | 'label' | 'state'>;

/** A part that is written at the moment. */
interface OpenPart {
  readonly kind: 'text' | 'reasoning';
  readonly id: string;
}

const AT_SERVER = { providerExecuted: true, dynamic: true } as const;

export class ChunkBuilder {
  readonly #streamId: string;
  #open: OpenPart | undefined;
  /** Parts so far: they are numbered. */
  #parts = 0;
  /** Calls of tools whose end was not told yet. */
  readonly #running = new Set<number>();
  /** Calls that were told of. */
  readonly #called = new Set<number>();

  /** @param streamId names the message */
  constructor(streamId: string) {
    this.#streamId = streamId;
  }

  /** The number of the text part that is written at the moment; undefined where none is. */
  get openText(): number | undefined {
    return this.#open?.kind === 'text' ? this.#parts : undefined;
  }

  opened({ model, epoch, warning }: Opening): UiMessageChunk[] {
    const messageMetadata: AnswerMetadata = {
      streamId: this.#streamId,
      ...(epoch === undefined ? {} : { epoch }),
      ...(model === undefined ? {} : { model }),
      ...(warning === undefined ? {} : { warning }),
    };
    return [{ type: 'start', messageId: this.#streamId, messageMetadata }, { type: 'start-step' }];
  }

  /** For a reader that holds the answer up to a text part of that number, which is written on. */
  continued(openText: number): void {
    this.#parts = openText;
    this.#open = { kind: 'text', id: partId('text', openText) };
  }

  /** The model thinks. @param content a further piece of a summary of what is thought, where there is one */
  thinking(content = ''): UiMessageChunk[] {
    const { id, chunks } = this.#part('reasoning');
    return content === '' ? chunks : [...chunks, { type: 'reasoning-delta', id, delta: content }];
  }

  /** A call of a tool of the operator's has begun, or is over. Who comes late is told of its end alone. */
  tool({ call, name, label, state }: ToolProgress): UiMessageChunk[] {
    const chunks = this.#called.has(call) ? [] : this.#call(call, name, label);
    if (state === 'running') return chunks;
    return [...chunks, ...this.#return(call, state)];
  }

  text(content: string): UiMessageChunk[] {
    const { id, chunks } = this.textPart();
    return [...chunks, { type: 'text-delta', id, delta: content }];
  }

  /** The text part that is written at the moment, and the chunks that go ahead of its next delta. */
  textPart(): { readonly id: string; readonly chunks: UiMessageChunk[] } {
    if (this.#open?.kind === 'text') return { id: this.#open.id, chunks: [] };
    return this.#part('text');
  }

  ended(end: AnswerEnd): UiMessageChunk[] {
    const chunks = this.#settle(end.type === 'done' ? 'done' : 'failed');
    if (end.type === 'error') return [...chunks, ...errorChunks(end)];
    const { textLength, usage, timing } = end;
    const finish = end.type === 'done' ? doneMetadata(end) : { ending: end.type };
    return [
      ...chunks,
      { type: 'finish-step' },
      {
        type: 'finish',
        finishReason: end.type === 'done' ? finishReasonOf(end.stopReason) : 'other',
        messageMetadata: { ...finish, textLength, usage, timing },
      },
    ];
  }

  /** It was refused after `opened`, or cannot be read on. */
  failed(error: AnswerError): UiMessageChunk[] {
    return [...this.#settle('failed'), ...errorChunks({ type: 'error', ...error })];
  }

  #part(kind: OpenPart['kind']): { readonly id: string; readonly chunks: UiMessageChunk[] } {
    if (this.#open?.kind === kind) return { id: this.#open.id, chunks: [] };
    const before = kind === 'text' ? this.#settle('done') : this.#close();
    this.#parts += 1;
    const id = partId(kind, this.#parts);
    this.#open = { kind, id };
    return { id, chunks: [...before, { type: `${kind}-start`, id }] };
  }

  #close(): UiMessageChunk[] {
    const open = this.#open;
    this.#open = undefined;
    return open === undefined ? [] : [{ type: `${open.kind}-end`, id: open.id }];
  }

  #call(call: number, name: string, label: string | undefined): UiMessageChunk[] {
    this.#called.add(call);
    this.#running.add(call);
    const title = label === undefined ? {} : { title: label };
    const toolCallId = this.#toolCallId(call);
    return [
      ...this.#close(),
      { type: 'tool-input-available', toolCallId, toolName: name, input: {}, ...AT_SERVER, ...title },
    ];
  }

  #return(call: number, state: 'done' | 'failed'): UiMessageChunk[] {
    if (!this.#running.delete(call)) return [];
    const toolCallId = this.#toolCallId(call);
    return state === 'done'
      ? [{ type: 'tool-output-available', toolCallId, output: {}, ...AT_SERVER }]
      : [{ type: 'tool-output-error', toolCallId, errorText: 'this tool failed', ...AT_SERVER }];
  }

  /** Closes what is open. Text and an ending are the end of every call, also of one whose own was not told. */
  #settle(state: 'done' | 'failed'): UiMessageChunk[] {
    const closed = this.#close();
    return [...closed, ...[...this.#running].flatMap((call) => this.#return(call, state))];
  }

  /** Not the same in two messages: the library looks through all of a chat. */
  #toolCallId(call: number): string {
    return `${this.#streamId}.${call}`;
  }
}

function partId(kind: OpenPart['kind'], number: number): string {
  return `${kind}-${number}`;
}

function doneMetadata({ stopReason, refusal, model }: Omit<DoneFrame, 'id' | 'seq'>): AnswerMetadata {
  return { ending: 'done', stopReason, model, ...(refusal === undefined ? {} : { refusal }) };
}

/** The code reaches the app ahead of the error, of which the library keeps the text alone. */
function errorChunks(end: Extract<AnswerEnd, { type: 'error' }>): UiMessageChunk[] {
  const { code, message, retryable, retryAfterMs, requestId, usage } = end;
  const error: AnswerError = {
    code,
    message,
    retryable,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(requestId === undefined ? {} : { requestId }),
  };
  const messageMetadata: AnswerMetadata = {
    ending: 'error',
    error,
    ...(usage === undefined ? {} : { usage }),
  };
  return [
    { type: 'message-metadata', messageMetadata },
    { type: 'error', errorText: errorText(error) },
  ];
}

const FINISH_REASONS: ReadonlyMap<string | null, FinishReason> = new Map([
  ['end_turn', 'stop'],
  ['stop_sequence', 'stop'],
  ['max_tokens', 'length'],
  ['model_context_window_exceeded', 'length'],
  ['refusal', 'content-filter'],
  ['tool_use', 'tool-calls'],
]);

/** The API's reasons are an open set, the library's are closed. */
function finishReasonOf(stopReason: string | null): FinishReason {
  return FINISH_REASONS.get(stopReason) ?? 'other';
}
