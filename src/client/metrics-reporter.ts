/**
 * `@dash-relay/client/metrics`: tells the relay how fast streams were where people read them. Measurements wait and leave
 * together; no stream waits for them, and what cannot be sent is counted and let go.
 */
import {
  METRICS_EVENT,
  REPORT_BOUNDS,
  REPORTED_PLATFORMS,
  type ReportBatch,
  type StreamReport,
} from '../protocol/streaming-metrics.ts';
import { createBackoff } from './backoff.ts';
import type { StreamingMetrics, TrackMetrics } from './dash-stream.ts';
import { type AppStateLike, type ClientClock, deviceClock, type Fetch } from './platform.ts';
import { createRelayHttp, type RelayHttp } from './relay-http.ts';
import { createTokens, type TokenGetter } from './tokens.ts';

export interface MetricsReporterOptions {
  /** Of the relay, as the client has it. */
  readonly url: string;
  /** The client's: reports need a user's token, and are not kept with the user. */
  readonly getToken: TokenGetter;
  /** The app's own analytics: is told each event as well, at once. */
  readonly track?: TrackMetrics | undefined;
  /** `AppState` of react-native: what waits is sent when the app goes to the background. */
  readonly AppState?: AppStateLike | undefined;
  readonly fetch?: Fetch | undefined;
  readonly clock?: ClientClock | undefined;
}

export interface MetricsReporter {
  /** For `onMetrics` of the client. */
  readonly onMetrics: TrackMetrics;
  /** Streams whose measurements could not be sent. */
  readonly lost: number;
  /** Sends what waits. Never rejects. */
  flush(): Promise<void>;
  /** The same, and takes nothing more. */
  close(): Promise<void>;
}

/** How long the first measurement waits for others, ms. */
const FLUSH_AFTER_MS = 30_000;
const SEND_WITHIN_MS = 10_000;

interface Waiting {
  readonly report: StreamReport;
  /** Was sent once, in vain. */
  readonly isSecond: boolean;
}

/**
 * @example
 * ```ts
 * import { createDashClient, supabaseToken } from '@dash-relay/client';
 * import { createMetricsReporter } from '@dash-relay/client/metrics';
 *
 * const [url, getToken] = ['https://relay.example.com', supabaseToken(supabase)];
 * const { onMetrics } = createMetricsReporter({ url, getToken });
 * const client = createDashClient({ url, getToken, onMetrics });
 * ```
 */
export function createMetricsReporter(options: MetricsReporterOptions): MetricsReporter {
  const { track, clock = deviceClock } = options;
  const send = sendingTo(options, clock);
  let waiting: readonly Waiting[] = [];
  let timer: { cancel(): void } | undefined;
  let isClosed = false;
  let lost = 0;
  /** Of these, what the relay was not told of. */
  let untold = 0;

  const letGo = (count: number): void => {
    lost += count;
    untold += count;
  };
  const add = (more: readonly Waiting[]): void => {
    const all = [...more, ...waiting];
    waiting = all.slice(-REPORT_BOUNDS.events);
    letGo(all.length - waiting.length);
  };
  const wait = (): void => {
    timer ??= clock.after(FLUSH_AFTER_MS, () => void flush());
  };
  const flush = async (): Promise<void> => {
    timer?.cancel();
    timer = undefined;
    if (waiting.length === 0) return;
    const batch = waiting;
    const told = Math.min(untold, REPORT_BOUNDS.lost);
    waiting = [];
    untold -= told;
    const answer = await send({ events: batch.map(({ report }) => report), lost: told });
    if (answer === 'taken') return;
    untold += told;
    if (answer === 'unwanted') return stop();
    const again = answer === 'later' && !isClosed ? batch.filter(({ isSecond }) => !isSecond) : [];
    letGo(batch.length - again.length);
    add(again.map(({ report }) => ({ report, isSecond: true })));
    if (waiting.length > 0) wait();
  };
  const stop = (): void => {
    isClosed = true;
    waiting = [];
    timer?.cancel();
    leaving();
  };
  const leaving = whenLeft(options.AppState, () => void flush());
  return {
    onMetrics(event, fields) {
      if (!isClosed) {
        waiting = [...waiting, { report: reportOf(fields), isSecond: false }];
        if (waiting.length < REPORT_BOUNDS.events) wait();
        else void flush();
      }
      track?.(event, fields);
    },
    get lost() {
      return lost;
    },
    flush,
    async close() {
      isClosed = true;
      leaving();
      await flush();
    },
  };
}

/** `later`: it may be taken another time. `refused`: never. `unwanted`: nothing is, the operator switched it off. */
type Taken = 'taken' | 'later' | 'refused' | 'unwanted';

function sendingTo(
  { url, getToken, fetch = (...request) => globalThis.fetch(...request) }: MetricsReporterOptions,
  clock: ClientClock,
): (batch: ReportBatch) => Promise<Taken> {
  const backoff = createBackoff(clock);
  const tokens = createTokens(getToken, clock, backoff, () => {});
  const address = url.replace(/\/+$/, '');
  const http = createRelayHttp({ url: address, fetch, tokens, clock, connectMs: SEND_WITHIN_MS });
  return async (batch) => {
    const abort = new AbortController();
    const timer = clock.after(SEND_WITHIN_MS, () => abort.abort());
    try {
      return takenOf(
        await http.request('/v1/client-metrics', {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(batch),
          keepalive: true, // a page that goes away has it sent all the same
          signal: abort.signal,
        }),
      );
    } catch {
      return 'later'; // no network, nobody signed in, or another user by now
    } finally {
      timer.cancel();
    }
  };
}

function takenOf(reply: Awaited<ReturnType<RelayHttp['request']>>): Taken {
  if ('response' in reply) return reply.response.status === 204 ? 'taken' : 'later'; // a portal answers everything
  const { error } = reply;
  if (error?.code === 'not_found') return 'unwanted';
  return error === undefined || error.retryable || error.code === 'unauthorized' ? 'later' : 'refused';
}

interface Page {
  readonly visibilityState: string;
  addEventListener(type: string, listener: () => void, options: { readonly signal: AbortSignal }): void;
}

/** Calls back when a page is hidden or an app goes to the background, until the function it returned is called. */
function whenLeft(appState: AppStateLike | undefined, left: () => void): () => void {
  const { document } = globalThis as { document?: Page };
  const abort = new AbortController();
  document?.addEventListener(
    'visibilitychange',
    () => {
      if (document.visibilityState === 'hidden') left();
    },
    abort,
  );
  const subscription = appState?.addEventListener('change', (state) => {
    if (state === 'background') left();
  });
  return () => {
    abort.abort();
    subscription?.remove();
  };
}

/** What the relay takes: a device whose clock slept for a day says no more than that it was long. */
function reportOf(fields: StreamingMetrics): StreamReport {
  const { first_token_ms: first, code, transport, status } = fields;
  const atMost = (value: number, most: number): number => Math.min(Math.max(value, 0), most);
  return {
    event: METRICS_EVENT,
    first_token_ms: first && atMost(first, REPORT_BOUNDS.durationMs),
    total_duration_ms: atMost(fields.total_duration_ms, REPORT_BOUNDS.durationMs),
    chunks_received: atMost(fields.chunks_received, REPORT_BOUNDS.chunks),
    bytes_streamed: atMost(fields.bytes_streamed, REPORT_BOUNDS.bytes),
    platform: REPORTED_PLATFORMS.find((each) => each === fields.platform) ?? 'other',
    transport,
    status,
    code: code === 'detached' ? undefined : code,
    resumes: atMost(fields.resumes, REPORT_BOUNDS.resumes),
  };
}
