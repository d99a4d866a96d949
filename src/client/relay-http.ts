/** Requests to the relay's HTTP routes with the current token, and what their refusals mean. */
import { ERROR_NAMES } from '../protocol/codes.ts';
import { readRetryAfter } from '../protocol/retry-after.ts';
import type { Failure } from './dash-error.ts';
import type { ClientClock, Fetch, FetchRequest, FetchResponse } from './platform.ts';
import type { Tokens } from './tokens.ts';

/** An answer with a status of 2xx, which may still be somebody else's, or a refusal that has been read. */
export type Reply = { readonly response: FetchResponse } | Refusal;

/** Both absent: it is not the relay's, but of something on the way, such as a proxy's error page. */
export interface Refusal {
  readonly error?: Failure | undefined;
  /** Text of a run that ended as an error. */
  readonly content?: string | undefined;
}

export interface RelayHttp {
  /**
   * With a fresh token where the relay refused the first. @throws TypeError or AbortError where no answer came, Error
   * where nobody is signed in, or another user by the time there is a token
   * @param send in the place of the client's own `fetch`
   */
  request(path: string, init: FetchRequest, send?: Fetch): Promise<Reply>;
  /** The JSON of a small request, or its refusal, read within `connectMs`; undefined where there is neither. */
  read<T>(path: string, method?: string): Promise<(Partial<T> & Refusal) | undefined>;
  /**
   * Why a transport brought nothing, asked of `GET /v1/session`, since a browser is not told why its socket was refused.
   * `transport`: the relay takes the same token by HTTP. A failure: it refuses. Undefined: nobody knows, or it was the token.
   */
  diagnose(): Promise<'transport' | Failure | undefined>;
  /** Nobody waits any more for what is being read. */
  drop(): void;
}

export interface RelayHttpParts {
  readonly url: string;
  readonly fetch: Fetch;
  readonly tokens: Tokens;
  readonly clock: ClientClock;
  readonly connectMs: number;
}

export function createRelayHttp({ url, fetch, tokens, clock, connectMs }: RelayHttpParts): RelayHttp {
  const reads = new Set<() => void>();
  const request: RelayHttp['request'] = async (path, init, send = fetch) => {
    const { userId } = tokens;
    const token = await tokens.get();
    if (!token || (userId && userId !== tokens.userId)) throw new Error('signed out');
    const headers = { ...init.headers, authorization: `Bearer ${token}` };
    const response = await send(url + path, { ...init, headers });
    if (response.ok) {
      tokens.accepted();
      return { response };
    }
    const refusal = await refusalOf(response, clock.now());
    if (refusal.error?.code === 'unauthorized' && !tokens.refused(token))
      return await request(path, init, send);
    return refusal;
  };
  const read: RelayHttp['read'] = async (path, method = 'GET') => {
    const abort = new AbortController();
    const timer = clock.after(connectMs, () => abort.abort());
    const drop = (): void => {
      timer.cancel();
      abort.abort();
    };
    if (method === 'GET') reads.add(drop); // what tells the relay something is worth its time
    try {
      const reply = await request(path, { method, signal: abort.signal });
      return 'response' in reply ? ((await reply.response.json()) as object) : reply;
    } catch {
      return undefined;
    } finally {
      timer.cancel();
      reads.delete(drop);
    }
  };
  return {
    request,
    read,
    async diagnose() {
      const { refusals } = tokens;
      const { userId, error } = (await read<{ userId: unknown }>('/v1/session')) ?? {};
      return typeof userId === 'string' && refusals === tokens.refusals ? 'transport' : error;
    },
    drop() {
      for (const drop of reads) drop();
    },
  };
}

/** Anybody on the way may answer in JSON as well: only an error as PROTOCOL.md has it, with a code of its table, counts. */
async function refusalOf(response: FetchResponse, now: number): Promise<Refusal> {
  try {
    const { error, content } = (await response.json()) as Refusal;
    if (!isFailure(error)) return {};
    const sentAt = Date.parse(response.headers.get('date') ?? '') || now;
    return {
      error: { ...error, retryAfterMs: readRetryAfter(response.headers.get('retry-after'), sentAt) },
      content,
    };
  } catch {
    return {};
  }
}

export function isFailure(error: Partial<Failure> | undefined): error is Failure {
  const { code, message, retryable } = error ?? {};
  return (
    (ERROR_NAMES as readonly unknown[]).includes(code) &&
    typeof message === 'string' &&
    typeof retryable === 'boolean'
  );
}
