/** Requests to the relay's HTTP routes with the current token, and what their refusals mean. */
import type { ClientClock } from './clock.ts';
import type { Failure } from './dash-error.ts';
import type { Pauses } from './pauses.ts';
import type { Tokens } from './tokens.ts';

/** The part of `fetch` that is used: `body` may be absent, as in React Native. */
export type Fetch = (url: string, init: FetchRequest) => Promise<FetchResponse>;

export interface FetchRequest {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
  readonly signal?: AbortSignal;
}

export interface FetchResponse {
  readonly ok: boolean;
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  readonly body?: {
    getReader(): { read(): Promise<{ done: boolean; value?: Uint8Array | undefined }> };
  } | null;
  text(): Promise<string>;
  json(): Promise<unknown>;
}

export interface RelayHttp {
  /** With a fresh token where the first was refused. @throws TypeError or AbortError where no answer came */
  request(path: string, init: FetchRequest): Promise<FetchResponse>;
  /** A small request, read within `connectMs`; undefined where it fails, whyever. */
  read<T>(
    path: string,
    use: (response: FetchResponse) => T | Promise<T>,
    method?: string,
  ): Promise<T | undefined>;
  /**
   * A transport brought nothing: asks `GET /v1/session` why, since a browser is not told why its socket was refused,
   * and waits or fails accordingly. True where the relay takes the same token by HTTP: then it is the transport that
   * is blocked.
   */
  recover(attempt: number, fail: (failure: Failure) => void): Promise<boolean>;
}

export interface RelayHttpParts {
  readonly url: string;
  readonly fetch: Fetch;
  readonly tokens: Tokens;
  readonly pauses: Pauses;
  readonly clock: ClientClock;
  readonly connectMs: number;
}

export function createRelayHttp({ url, fetch, tokens, pauses, clock, connectMs }: RelayHttpParts): RelayHttp {
  const request: RelayHttp['request'] = async (path, init) => {
    const token = await tokens.get();
    const headers = { ...init.headers, authorization: `Bearer ${token}` };
    const response = await fetch(url + path, { ...init, headers });
    if (response.status === 401 && !tokens.refused(token)) return await request(path, init);
    if (response.ok) tokens.worked();
    return response;
  };
  const read: RelayHttp['read'] = async (path, use, method = 'GET') => {
    const abort = new AbortController();
    const timer = clock.after(connectMs, () => abort.abort());
    try {
      return await use(await request(path, { method, signal: abort.signal }));
    } catch {
      return undefined;
    } finally {
      timer.cancel();
    }
  };
  return {
    request,
    read,
    async recover(attempt, fail) {
      const { refusals } = tokens;
      const answer = await read('/v1/session', (response) =>
        response.ok ? response.json() : refusalOf(response),
      );
      const { userId, error } = (answer ?? {}) as Refusal & { readonly userId?: string };
      if (userId) return refusals === tokens.refusals; // else it was the token
      if (error && !error.retryable) fail(error);
      else await pauses.backOff(attempt, error?.retryAfterMs);
      return false;
    },
  };
}

export interface Refusal {
  /** Absent where the answer is not the relay's: a proxy's error page. */
  readonly error?: Failure;
  /** Text of a run that ended as an error. */
  readonly content?: string | undefined;
}

export async function refusalOf(response: FetchResponse): Promise<Refusal> {
  try {
    const { error, content } = (await response.json()) as { error: Failure; content?: string };
    const retryAfterMs = Number(response.headers.get('retry-after')) * 1000;
    return { error: { ...error, retryAfterMs }, content };
  } catch {
    return {};
  }
}
