/** The SDK as the relay uses it: it builds requests and reads errors, and nothing of it waits, retries or logs. */
import Anthropic from '@anthropic-ai/sdk';
import type { SenderInit } from './sdk-fetch.ts';

type BuiltRequest = Awaited<ReturnType<Anthropic['buildRequest']>>;
type RequestOptions = Parameters<Anthropic['buildRequest']>[0];

export interface SdkClientOptions {
  readonly apiKey: string;
  readonly baseURL: string;
  /** The longest a call may take, ms. */
  readonly totalMs: number;
}

export function createSdkClient({ apiKey, baseURL, totalMs }: SdkClientOptions): Anthropic {
  return new SdkClient({
    apiKey,
    baseURL,
    // Retries, time limits and logs are the relay's: the SDK's own would hide failures, or print a user's words.
    maxRetries: 0,
    timeout: totalMs + 60_000,
    logLevel: 'off',
    openTelemetry: false,
    // Whoever makes a request passes itself along.
    fetch: (url, init = {}) => (init as RequestInit & SenderInit).sender.fetch(String(url), init),
  });
}

/** Those that all requests of a kind have in common; one with others, as of a trace, is built by itself. */
const COMMON_HEADERS: ReadonlySet<string> = new Set(['anthropic-beta']);

/**
 * Address and headers are the same for all requests to one path, and the SDK makes them from five lists each time, through
 * a Headers object for each list: 7 % of a start. Here it makes them once.
 */
class SdkClient extends Anthropic {
  readonly #built = new Map<string, BuiltRequest>();

  override async buildRequest(
    options: RequestOptions,
    retry?: { retryCount?: number },
  ): Promise<BuiltRequest> {
    const key = keyOf(options);
    if (key === undefined) return super.buildRequest(options, retry);
    let built = this.#built.get(key);
    if (built === undefined) {
      built = await super.buildRequest({ ...options, fetchOptions: {} }, retry);
      this.#built.set(key, built);
    }
    const { url, timeout, req } = built;
    return { url, timeout, req: { ...req, body: JSON.stringify(options.body), ...options.fetchOptions } };
  }
}

function keyOf({ method, path, body, query, headers = {} }: RequestOptions): string | undefined {
  if (method !== 'post' || typeof body !== 'object' || query !== undefined) return undefined;
  const names = Object.entries(headers ?? {});
  if (!names.every(([name]) => COMMON_HEADERS.has(name))) return undefined;
  return [path, ...names.map(([name, value]) => `${name}: ${value}`)].join('\n');
}
