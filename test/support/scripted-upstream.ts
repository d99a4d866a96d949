/**
 * The upstream's twin in memory: each call is driven by hand. It observes the abort signal as the real one does:
 * the ending is `aborted`, and the request counts as closed at once, or when the test says so (`holdClose`).
 */
import type { Refusal } from '../../src/protocol/frames.ts';
import { RelayError } from '../../src/protocol/relay-error.ts';
import { NO_USAGE, type UsageReading } from '../../src/protocol/usage-reading.ts';
import { toWire, type WireText } from '../../src/protocol/wire-text.ts';
import type {
  TokenCount,
  Upstream,
  UpstreamCall,
  UpstreamEnding,
  UpstreamRequest,
  UpstreamSink,
} from '../../src/upstream/port.ts';
import { noteActivity } from './quiet.ts';

/** One call as the test sees it: it plays the model. After the ending every method does nothing. */
export interface ScriptedCall {
  readonly request: UpstreamRequest;
  readonly signal: AbortSignal;
  /** Null while the call runs. */
  readonly ending: UpstreamEnding | null;
  /** `message_start`: the reading becomes `input_only` with these input tokens. */
  begin(inputTokens?: number): void;
  /** One text delta of ordinary text; begins first if it has not. Each delta counts as one estimated output token. */
  text(...deltas: string[]): void;
  /** One text delta, already the inside of a JSON literal. */
  rawText(json: WireText): void;
  /** It thinks: a block opens, and says that where it is shown. */
  think(...said: string[]): void;
  /** Any other event; passed on only with `events: "all"`. */
  event(event: Readonly<Record<string, unknown>>): void;
  setUsage(reading: Partial<UsageReading>): void;
  /** Ends as `done` with `source: "final"`. */
  end(stopReason?: string): void;
  /** Ends as refused, and charged if anything was said. */
  refuse(category?: string): void;
  /** Ends as `failed`. */
  fail(error?: RelayError): void;
  /** All of the request has left, where the upstream holds requests up. */
  flush(): void;
  /** From now on an abort is seen but `ended` waits for `releaseClose()`. */
  holdClose(): void;
  releaseClose(): void;
}

/** One count of a prompt that was asked for: the test answers it. */
export interface ScriptedCount {
  readonly request: UpstreamRequest;
  readonly signal: AbortSignal;
  answer(count: TokenCount): void;
}

export interface ScriptedUpstream extends Upstream {
  /** Every count so far, oldest first. An abort answers it. */
  readonly counts: readonly ScriptedCount[];
  /** Whether requests of calls to come leave only when the test says so. */
  holdsRequests: boolean;
  /** Every call so far, oldest first. */
  readonly calls: readonly ScriptedCall[];
  /** The newest call. @throws if there is none. */
  readonly last: ScriptedCall;
  /** Resolves with call number `index` (0 is the first), also if it is still to come. */
  call(index: number): Promise<ScriptedCall>;
  readonly closed: boolean;
}

const REQUEST_ID = 'req_scripted';

export function createScriptedUpstream(): ScriptedUpstream {
  const calls: ScriptedCall[] = [];
  const waiting: { readonly index: number; readonly resolve: (call: ScriptedCall) => void }[] = [];
  const counts: ScriptedCount[] = [];
  let open = 0;
  let closed = false;

  return {
    calls,
    counts,
    holdsRequests: false,
    countTokens(request, signal) {
      noteActivity();
      if (signal.aborted) return Promise.resolve({ kind: 'aborted' });
      const { promise, resolve } = Promise.withResolvers<TokenCount>();
      const answer = (count: TokenCount) => {
        noteActivity();
        resolve(count);
      };
      counts.push({ request, signal, answer });
      signal.addEventListener('abort', () => answer({ kind: 'aborted' }));
      return promise;
    },
    get last() {
      const call = calls.at(-1);
      if (call === undefined) throw new Error('no upstream call was made');
      return call;
    },
    get closed() {
      return closed;
    },
    get openRequests() {
      return open;
    },
    call(index) {
      const call = calls[index];
      return call === undefined
        ? new Promise((resolve) => waiting.push({ index, resolve }))
        : Promise.resolve(call);
    },
    open(request, sink, signal) {
      noteActivity();
      open += 1;
      const { script, call } = createCall(request, sink, signal, () => {
        open -= 1;
      });
      if (!this.holdsRequests) script.flush();
      calls.push(script);
      for (const waiter of waiting) if (waiter.index === calls.length - 1) waiter.resolve(script);
      return call;
    },
    close() {
      closed = true;
      return Promise.resolve();
    },
  };
}

function createCall(
  request: UpstreamRequest,
  sink: UpstreamSink,
  signal: AbortSignal,
  onClosed: () => void,
): { script: ScriptedCall; call: UpstreamCall } {
  const { promise: ended, resolve } = Promise.withResolvers<UpstreamEnding>();
  let reading: UsageReading = NO_USAGE;
  let ending: UpstreamEnding | null = null;
  let began = false;
  let hasText = false;
  let held = false;
  let settled = false;

  const flushed = Promise.withResolvers<void>();
  const settle = () => {
    if (settled || held || ending === null) return;
    noteActivity();
    settled = true;
    onClosed();
    resolve(ending);
    flushed.resolve();
  };
  const finish = (value: UpstreamEnding) => {
    if (ending !== null) return;
    ending = value;
    signal.removeEventListener('abort', onAbort);
    settle();
  };
  const onAbort = () => finish({ kind: 'aborted', requestId: began ? REQUEST_ID : null });
  const begin = (inputTokens = 10) => {
    if (ending !== null) return;
    began = true;
    reading = {
      ...reading,
      inputTokens,
      outputTokens: Math.max(1, reading.outputTokens),
      source: 'input_only',
    };
    sink.began();
  };
  const rawText = (json: WireText) => {
    if (!began) begin();
    if (ending !== null) return;
    reading = { ...reading, outputTokens: reading.outputTokens + 1, source: 'estimated' };
    hasText = true;
    sink.text(json);
  };

  const done = (stopReason: string, refusal: Refusal | null) => {
    if (ending !== null) return;
    if (!began) begin();
    reading = { ...reading, source: 'final' };
    finish({ kind: 'done', stopReason, refusal, model: request.model, requestId: REQUEST_ID });
  };

  if (signal.aborted) onAbort();
  else signal.addEventListener('abort', onAbort);

  return {
    call: { ended, flushed: flushed.promise, usage: () => reading },
    script: {
      request,
      signal,
      get ending() {
        return ending;
      },
      begin,
      rawText,
      text(...deltas) {
        for (const delta of deltas) rawText(toWire(JSON.stringify(delta).slice(1, -1)));
      },
      think(...said) {
        if (!began) begin();
        if (ending !== null || request.events === 'all') return;
        sink.thinking();
        if (request.showThinking)
          for (const each of said) sink.thinking(toWire(JSON.stringify(each).slice(1, -1)));
      },
      event(event) {
        if (!began) begin();
        if (ending === null && request.events === 'all') sink.event(toWire(JSON.stringify(event)));
      },
      setUsage(changes) {
        reading = { ...reading, ...changes };
      },
      end: (stopReason = 'end_turn') => done(stopReason, null),
      refuse: (category = 'general_harms') => done('refusal', { category, partial: hasText }),
      fail(
        error = new RelayError('upstream_reset', 'the model closed the connection', {
          requestId: REQUEST_ID,
        }),
      ) {
        finish({ kind: 'failed', error });
      },
      flush() {
        noteActivity();
        flushed.resolve();
      },
      holdClose() {
        held = true;
      },
      releaseClose() {
        held = false;
        settle();
      },
    },
  };
}
