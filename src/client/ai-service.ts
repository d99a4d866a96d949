/** The existing app's `callAIServiceStreaming`, served by this client as the app's own flags say. */
import type { Message, StreamRequest } from '../protocol/frames.ts';
import { notify } from './client-stream.ts';
import { createDashClient, type DashClient, type DashClientOptions } from './create-dash-client.ts';
import { DashError, failure } from './dash-error.ts';
import type { StreamOptions, Transport } from './dash-stream.ts';
import {
  type AIServiceResult,
  askFallback,
  type Fallback,
  isLeft,
  type Measuring,
  resultOf,
} from './fallback.ts';
import { deviceClock } from './platform.ts';

export type { AIServiceResult, Fallback, FallbackAnswer, OldUsage } from './fallback.ts';

/** Expo writes these into the app's own files only, never into a package: the app passes them on. */
export interface StreamingFlags {
  readonly EXPO_PUBLIC_DASH_RELAY_URL?: string | undefined;
  /** `true` in either: stream. */
  readonly EXPO_PUBLIC_AI_STREAMING_ENABLED?: string | undefined;
  readonly EXPO_PUBLIC_ENABLE_AI_STREAMING?: string | undefined;
  /**
   * `true`: over WebSockets. `false`: the rollback, to `fallback` where there is one, otherwise one JSON answer of the
   * relay. Unset: as before the rollout, SSE where it works.
   */
  readonly EXPO_PUBLIC_USE_WEBSOCKET_STREAMING?: string | undefined;
}

export interface AIServiceOptions extends Omit<DashClientOptions, 'url'> {
  readonly flags: StreamingFlags;
  /**
   * The app's own HTTP function. Asked in the relay's place where the flags say no, where the relay is not reached within
   * `contactMs` (with a fallback 10,000), and where its operator has switched it off; never once the relay took the question.
   */
  readonly fallback?: Fallback<AIServiceParams> | undefined;
}

/** As apps store them. Those of role `system` are not sent: system prompts are the server's. */
export interface AIServiceMessage {
  /** `user` or `assistant`. */
  readonly role: string;
  readonly content: Message['content'];
}

/** What the app sends. Other fields of the object are not sent: the relay refuses what it does not know. */
export interface AIServiceParams {
  readonly action: string;
  readonly messages: readonly AIServiceMessage[];
  readonly context?: StreamRequest['context'];
  readonly parameters?: StreamRequest['parameters'];
  readonly model?: string | undefined;
  /** Tokens of text at most. */
  readonly maxTokens?: number | undefined;
}

/** How long to try to reach a relay that an app can do without, ms. */
const CONTACT_MS = 10_000;
/** The next questions do not wait for a relay that was away, ms. */
const AWAY_FOR_MS = 30_000;

export interface AIService {
  /** Whether the flags ask for streaming: what the UI shows while it waits. */
  readonly streamingEnabled: boolean;
  readonly client: DashClient;
  /**
   * Resolves with the whole answer; `onChunk` gets each piece once, the only one where streaming is off.
   * @example
   * ```ts
   * const messages = [{ role: 'user', content: 'Why is the sky blue?' }] as const;
   * const { content, usage } = await service.callAIServiceStreaming({ action: 'chat', messages }, show);
   * show(`${content} (${usage.output_tokens} tokens)`);
   * ```
   * @throws DashError, or whatever the fallback throws
   */
  callAIServiceStreaming(
    params: AIServiceParams,
    onChunk: (chunk: string) => void,
    options?: StreamOptions,
  ): Promise<AIServiceResult>;
}

/**
 * @example
 * ```ts
 * import { createAIService } from '@dash-relay/client/ai-service';
 * import { supabaseToken } from '@dash-relay/client';
 *
 * const flags = {
 *   EXPO_PUBLIC_DASH_RELAY_URL: process.env.EXPO_PUBLIC_DASH_RELAY_URL,
 *   EXPO_PUBLIC_AI_STREAMING_ENABLED: process.env.EXPO_PUBLIC_AI_STREAMING_ENABLED,
 *   EXPO_PUBLIC_USE_WEBSOCKET_STREAMING: process.env.EXPO_PUBLIC_USE_WEBSOCKET_STREAMING,
 * };
 * const { callAIServiceStreaming } = createAIService({ flags, getToken: supabaseToken(supabase) });
 * ```
 */
export function createAIService(
  { flags, transports, fallback, ...options }: AIServiceOptions,
  createClient: (options: DashClientOptions) => DashClient = createDashClient,
): AIService {
  const { clock = deviceClock, contactMs = fallback && CONTACT_MS, platform, onMetrics } = options;
  const url = flags.EXPO_PUBLIC_DASH_RELAY_URL ?? '';
  const allowed = allowedTransports(flags);
  const streamingEnabled = allowed.length > 1;
  const client = createClient({
    ...options,
    url,
    contactMs,
    transports: allowed.filter((each) => transports?.includes(each) ?? true),
  });
  /** Until then the fallback is asked at once. */
  let awayUntil = streamingEnabled ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;

  const measuring = (askedAt: number): Measuring => ({ clock, askedAt, platform, onMetrics });
  const askRelay: AIService['callAIServiceStreaming'] = async (params, onChunk, more = {}) => {
    const askedAt = clock.elapsed();
    if (url === '')
      throw new DashError({ ...failure('bad_request'), message: 'EXPO_PUBLIC_DASH_RELAY_URL is not set' });
    const { onPhase } = more;
    /** Whether it is the end is known only below. */
    const tell: typeof onPhase = onPhase && ((phase) => phase !== 'failed' && onPhase(phase));
    const stream = client.stream(requestOf(params), { ...more, onChunk, onPhase: tell });
    try {
      return resultOf(await stream.final);
    } catch (error) {
      if (fallback && isLeft(error, stream)) {
        const answer = await askFallback(fallback, params, onChunk, more, measuring(askedAt));
        awayUntil = Math.max(awayUntil, clock.elapsed() + AWAY_FOR_MS);
        return answer;
      }
      notify(onPhase, 'failed');
      throw error;
    }
  };
  return {
    client,
    streamingEnabled,
    callAIServiceStreaming: (params, onChunk, more = {}) =>
      fallback && clock.elapsed() < awayUntil
        ? askFallback(fallback, params, onChunk, more, measuring(clock.elapsed()))
        : askRelay(params, onChunk, more),
  };
}

function requestOf(params: AIServiceParams): StreamRequest {
  const { action, context, parameters, model, maxTokens } = params;
  const messages = params.messages.filter(({ role }) => role !== 'system') as readonly Message[];
  return { action, messages, context, parameters, model, maxTokens };
}

function allowedTransports(flags: StreamingFlags): readonly Transport[] {
  const { EXPO_PUBLIC_AI_STREAMING_ENABLED: streaming, EXPO_PUBLIC_ENABLE_AI_STREAMING: older } = flags;
  const websockets = flags.EXPO_PUBLIC_USE_WEBSOCKET_STREAMING;
  if ((streaming !== 'true' && older !== 'true') || websockets === 'false') return ['json'];
  return websockets === 'true' ? ['websocket', 'sse', 'json'] : ['sse', 'json'];
}
