/** The app's own function, asked where the relay is not to be, or cannot be. What it answers has the shape of the relay's answers. */
import { METRICS_EVENT } from '../protocol/streaming-metrics.ts';
import { notify } from './client-stream.ts';
import { DashError, failure } from './dash-error.ts';
import type {
  Answer,
  DashStream,
  StreamingMetrics,
  StreamOptions,
  TrackMetrics,
  Transport,
} from './dash-stream.ts';
import { type ClientClock, utf8Length } from './platform.ts';

/** As the app's function `ai-gateway` names them. */
export interface OldUsage {
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cache_read_input_tokens: number;
  readonly cache_creation_input_tokens: number;
}

/** What the app's own function resolves with: the body of its answer. Only `content` is needed. */
export interface FallbackAnswer {
  readonly content: string;
  readonly usage?: Partial<OldUsage> | null | undefined;
  /** US dollars. */
  readonly cost?: number | null | undefined;
  readonly stop_reason?: string | null | undefined;
  readonly model?: string | null | undefined;
}

/**
 * Asks the app's own function. `params`: the object that the app gave. Where it does not call `onChunk`, its whole answer is
 * handed to the app as one piece. What it throws reaches the caller as it is; an answer without text is `bad_request`.
 */
export type Fallback<Params> = (
  params: Params,
  onChunk: (chunk: string) => void,
  options: StreamOptions,
) => Promise<FallbackAnswer>;

export interface AIServiceResult {
  readonly content: string;
  /** These four as the app's function `ai-gateway` has them. `cost` is null where it is not known. */
  readonly usage: OldUsage;
  readonly cost: number | null;
  readonly stop_reason: string | null;
  readonly model: string | null;
  readonly metadata: Omit<Answer, 'content' | 'transport'> & { readonly transport: Transport | 'fallback' };
}

export function resultOf({ content, ...metadata }: Answer): AIServiceResult {
  const { usage, stopReason, refusal, model } = metadata;
  return {
    // What came ahead of a refusal is to be discarded, and the app's own code knows nothing of refusals.
    content: refusal?.partial ? '' : content,
    usage: {
      input_tokens: usage.inputTokens,
      output_tokens: usage.outputTokens,
      cache_read_input_tokens: usage.cacheReadTokens,
      cache_creation_input_tokens: usage.cacheWriteTokens,
    },
    cost: usage.costUsd ?? null,
    stop_reason: stopReason,
    model,
    metadata,
  };
}

/** Whether the app's function may be asked instead. Not once the relay took the question: it is billed there, also if it fails. */
export function isLeft(error: unknown, { position, content }: DashStream): error is DashError {
  if (!(error instanceof DashError) || position.epoch !== undefined || content !== '') return false;
  return error.code === 'unreachable' || error.reason === 'switched_off';
}

/** How the time of an answer is taken, and who is told. */
export interface Measuring {
  readonly clock: ClientClock;
  /** When the app asked, by the clock: the relay may have been asked in vain since. */
  readonly askedAt: number;
  readonly platform?: string | undefined;
  readonly onMetrics?: TrackMetrics | undefined;
}

/** Where the signal is aborted it resolves with what there is, and what the function says later is not waited for. */
export async function askFallback<Params>(
  fallback: Fallback<Params>,
  params: Params,
  onChunk: (chunk: string) => void,
  options: StreamOptions,
  measuring: Measuring,
): Promise<AIServiceResult> {
  const { signal, onPhase } = options;
  const { clock } = measuring;
  const beganAt = clock.elapsed();
  const age = (): number => Math.round(clock.elapsed() - beganAt);
  const pieces: string[] = [];
  let firstTokenMs: number | null = null;
  let isOver = false;
  const take = (text: string): void => {
    if (isOver || signal?.aborted || text === '') return;
    if (firstTokenMs === null) notify(onPhase, 'streaming');
    firstTokenMs ??= age();
    pieces.push(text);
    notify(onChunk, text);
  };
  const tell = (status: StreamingMetrics['status'], code?: StreamingMetrics['code']): void =>
    notify(measuring.onMetrics, METRICS_EVENT, {
      ...measured(measuring, pieces, firstTokenMs === null ? null : beganAt + firstTokenMs),
      status,
      code,
    });
  notify(onPhase, 'thinking');
  try {
    const answer = await beforeAbort(signal, async () =>
      checked(await fallback(params, take, options), pieces.join('')),
    );
    if (answer && pieces.length === 0) take(answer.content);
    notify(onPhase, answer ? 'done' : 'cancelled');
    tell(answer ? 'done' : 'cancelled');
    const content = answer?.content ?? pieces.join('');
    const timing = { firstTokenMs, totalMs: age(), chunks: pieces.length, bytes: utf8Length(content) };
    return fallbackResult(answer, content, timing);
  } catch (error) {
    notify(onPhase, 'failed');
    tell('error', error instanceof DashError ? error.code : undefined);
    throw error;
  } finally {
    isOver = true;
  }
}

/** @param firstAt when the first text came, by the clock */
function measured(
  { clock, askedAt, platform = 'web' }: Measuring,
  pieces: readonly string[],
  firstAt: number | null,
): Omit<StreamingMetrics, 'status' | 'code'> {
  return {
    first_token_ms: firstAt === null ? null : Math.round(firstAt - askedAt),
    total_duration_ms: Math.round(clock.elapsed() - askedAt),
    chunks_received: pieces.length,
    bytes_streamed: utf8Length(pieces.join('')),
    platform,
    transport: 'fallback',
    resumes: 0,
  };
}

/** An app hands on what its function answered, whatever that was: null beside an error, `{error}`, or text that is no JSON. */
function checked(answer: Partial<FallbackAnswer> | null | undefined, said: string): FallbackAnswer {
  const content: unknown = answer?.content ?? (said || undefined);
  if (typeof content === 'string') return { ...answer, content };
  throw new DashError({
    ...failure('bad_request'),
    message: 'fallback: its answer has no text in `content`',
  });
}

/** Undefined where the signal came first. */
async function beforeAbort<T>(
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T | undefined> {
  if (signal?.aborted) return undefined;
  let abort: (() => void) | undefined;
  const aborted = new Promise<undefined>((resolve) => {
    abort = () => resolve(undefined);
    signal?.addEventListener('abort', abort);
  });
  try {
    return await Promise.race([work(), aborted]);
  } finally {
    if (abort) signal?.removeEventListener('abort', abort);
  }
}

function fallbackResult(
  answer: FallbackAnswer | undefined,
  content: string,
  timing: Answer['timing'],
): AIServiceResult {
  const { usage, cost = null, stop_reason: stopReason = null, model = null } = answer ?? {};
  const counted = {
    input_tokens: usage?.input_tokens ?? 0,
    output_tokens: usage?.output_tokens ?? 0,
    cache_read_input_tokens: usage?.cache_read_input_tokens ?? 0,
    cache_creation_input_tokens: usage?.cache_creation_input_tokens ?? 0,
  };
  const metadata = {
    outcome: answer ? ('done' as const) : ('cancelled' as const),
    id: '',
    stopReason,
    refusal: null,
    model,
    usage: {
      inputTokens: counted.input_tokens,
      outputTokens: counted.output_tokens,
      cacheReadTokens: counted.cache_read_input_tokens,
      cacheWriteTokens: counted.cache_creation_input_tokens,
      source: usage ? ('final' as const) : ('none' as const),
    },
    timing,
    transport: 'fallback' as const,
  };
  return { content, usage: counted, cost, stop_reason: stopReason, model, metadata };
}
