/** The existing app's `callAIServiceStreaming`, served by this client as the app's own flags say. */
import type { Message, StreamRequest } from '../protocol/frames.ts';
import { createDashClient, type DashClient, type DashClientOptions } from './create-dash-client.ts';
import { DashError, failure } from './dash-error.ts';
import type { Answer, StreamOptions, Transport } from './dash-stream.ts';

/** Expo writes these into the app's own files only, never into a package: the app passes them on. */
export interface StreamingFlags {
  readonly EXPO_PUBLIC_DASH_RELAY_URL?: string | undefined;
  /** `true` in either: stream. */
  readonly EXPO_PUBLIC_AI_STREAMING_ENABLED?: string | undefined;
  readonly EXPO_PUBLIC_ENABLE_AI_STREAMING?: string | undefined;
  /** `true`: over WebSockets. `false`: the rollback, one JSON answer. Unset: as before the rollout, SSE where it works. */
  readonly EXPO_PUBLIC_USE_WEBSOCKET_STREAMING?: string | undefined;
}

export interface AIServiceOptions extends Omit<DashClientOptions, 'url'> {
  readonly flags: StreamingFlags;
}

/** What the app sends. Other fields of the object are not sent: the relay refuses what it does not know. */
export interface AIServiceParams {
  readonly action: string;
  readonly messages: readonly Message[];
  readonly context?: StreamRequest['context'];
  readonly parameters?: StreamRequest['parameters'];
  readonly model?: string | undefined;
}

export interface AIServiceResult {
  readonly content: string;
  readonly metadata: Omit<Answer, 'content'>;
}

export interface AIService {
  /** Whether the flags ask for streaming: what the UI shows while it waits. */
  readonly streamingEnabled: boolean;
  readonly client: DashClient;
  /**
   * Resolves with the whole answer; `onChunk` gets each piece once, the only one where streaming is off.
   * @example
   * ```ts
   * const messages = [{ role: 'user', content: 'Why is the sky blue?' }] as const;
   * const { content, metadata } = await service.callAIServiceStreaming({ action: 'chat', messages }, show);
   * show(`${content} (${metadata.usage.outputTokens} tokens)`);
   * ```
   * @throws DashError
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
  { flags, transports, ...options }: AIServiceOptions,
  createClient: (options: DashClientOptions) => DashClient = createDashClient,
): AIService {
  const url = flags.EXPO_PUBLIC_DASH_RELAY_URL ?? '';
  const allowed = allowedTransports(flags);
  const client = createClient({
    ...options,
    url,
    transports: allowed.filter((each) => transports?.includes(each) ?? true),
  });
  return {
    client,
    streamingEnabled: allowed.length > 1,
    async callAIServiceStreaming({ action, messages, context, parameters, model }, onChunk, more) {
      if (url === '')
        throw new DashError({ ...failure('bad_request'), message: 'EXPO_PUBLIC_DASH_RELAY_URL is not set' });
      const stream = client.stream({ action, messages, context, parameters, model }, { ...more, onChunk });
      const { content, ...metadata } = await stream.final;
      return { content, metadata };
    },
  };
}

function allowedTransports(flags: StreamingFlags): readonly Transport[] {
  const { EXPO_PUBLIC_AI_STREAMING_ENABLED: streaming, EXPO_PUBLIC_ENABLE_AI_STREAMING: older } = flags;
  const websockets = flags.EXPO_PUBLIC_USE_WEBSOCKET_STREAMING;
  if ((streaming !== 'true' && older !== 'true') || websockets === 'false') return ['json'];
  return websockets === 'true' ? ['websocket', 'sse', 'json'] : ['sse', 'json'];
}
