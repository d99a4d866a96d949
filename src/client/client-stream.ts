/**
 * One stream as its caller holds it: the state machine of stream-state.ts with what that leaves out, the text, the callbacks,
 * the deadlines and the measurements. It does not know how frames come and go: a transport dispatches them, and asks again
 * where the effect says so.
 */
import type { QuotaState, StreamRequest, ThinkingFrame } from '../protocol/frames.ts';
import { DashError, type Failure, failure } from './dash-error.ts';
import type { Answer, DashStream, StreamingMetrics, StreamOptions, Transport } from './dash-stream.ts';
import type { ClientClock, ClientTimer } from './platform.ts';
import { afterAwake, utf8Length } from './platform.ts';
import {
  type Effect,
  initialState,
  isOwn,
  phaseOf,
  type StreamEvent,
  type StreamFrame,
  type StreamState,
  step,
} from './stream-state.ts';

type SettledFrame = (Effect & { type: 'settled' })['frame'];

/** Of what was never asked. */
export const NO_USAGE = {
  inputTokens: 0,
  outputTokens: 0,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  source: 'none',
} as const;
/** After a stop nobody waits longer for the receipt, ms. */
const RECEIPT_WITHIN_MS = 10_000;

export interface StreamOwner {
  readonly clock: ClientClock;
  readonly platform: string;
  readonly contactMs: number;
  readonly reconnectMs: number;
  readonly deadlineMs: number;
  /** The caller wants the model stopped, and the relay may have to know. */
  stopped(stream: ClientStream): void;
  /** Somebody else reads the same stream here: only he may stop it. */
  isShared(stream: ClientStream): boolean;
  /** `why`: of a stream that failed. */
  settled(stream: ClientStream, why?: Failure): void;
}

export interface StreamSource {
  readonly id: string;
  readonly request?: StreamRequest;
  /** Nobody has used the id before. */
  readonly fresh?: boolean;
  /** Where an earlier page left; without an epoch whatever run has the id, from its beginning. */
  readonly at?: { readonly epoch: string | undefined; readonly seq: number };
  /** The text held by then. */
  readonly held?: string | undefined;
}

export interface ClientStream extends DashStream {
  readonly request: StreamRequest | undefined;
  readonly state: StreamState;
  /** Nobody has used its id, and it was not asked yet. */
  fresh: boolean;
  readonly ended: boolean;
  /** What it is read by; the transport sets it. */
  transport: Transport;
  thought: string;
  warning?: QuotaState | undefined;
  /** Feeds the state machine. Returns what is left to do for the transport. */
  dispatch(event: StreamEvent): Effect | undefined;
  /** The same for what the relay sent, whatever it is. */
  received(frame: StreamFrame): Effect | undefined;
  fail(why: Failure): void;
  /** The relay was heard: the time without contact is over. */
  reached(): void;
  /** Of a stream that has ended. `why`: it failed. */
  metrics(why?: Failure): StreamingMetrics;
}

export function createClientStream(
  { id, request, fresh = false, at, held = '' }: StreamSource,
  options: StreamOptions,
  owner: StreamOwner,
): ClientStream {
  const { clock, platform, contactMs, reconnectMs } = owner;
  const { deadlineMs = owner.deadlineMs, signal, onChunk, onPhase, onThinking } = options;
  const beganAt = clock.elapsed();
  const pieces: string[] = [];
  const listeners = new Set<() => void>();
  let state = initialState(at && { ...at, length: held.length });
  /** Runs while the relay is not heard, over all attempts to reach it. */
  let contact: ClientTimer | undefined;
  let receipt: ClientTimer | undefined;
  let firstTextMs: number | null = null;
  let settle: readonly [resolve: (answer: Answer) => void, reject: (error: DashError) => void] | undefined;
  const final = new Promise<Answer>((...both) => {
    settle = both;
  });
  final.catch(() => {}); // whoever only iterates or listens is told of the failure there

  const age = (): number => Math.round(clock.elapsed() - beganAt);

  const abort = (): void => void stream.cancel();

  const finish = ({ frame, failure: why }: Effect & { type: 'settled' }): void => {
    deadline.cancel();
    stream.reached();
    receipt?.cancel();
    signal?.removeEventListener('abort', abort);
    if (why) settle?.[1](new DashError(why, stream.content));
    else settle?.[0](answerOf(stream, frame, age()));
    owner.settled(stream, why);
  };

  const awaitContact = (ms: number): void => {
    if (!state.outcome) contact ??= afterAwake(clock, ms, unreachable);
  };
  /** What was asked and never answered may run all the same, and nobody reads it: it is stopped. */
  const unreachable = (): void => {
    if (state.startable && state.asked && !state.epoch) owner.stopped(stream);
    stream.fail(failure('unreachable', true));
  };

  const say = ({ text }: Effect & { type: 'text' }): void => {
    firstTextMs ??= age();
    pieces.push(text);
    notify(onChunk, text);
  };
  const think = ({ content = '' }: ThinkingFrame): void => {
    stream.thought = content && stream.thought + content;
    notify(onThinking, content);
  };
  const apply = (effect: Effect): void => {
    if (effect.type === 'text') say(effect);
    if (effect.type === 'settled') finish(effect);
  };

  const stream: ClientStream = {
    id,
    request,
    final,
    transport: 'websocket',
    thought: '',
    fresh,
    get state() {
      return state;
    },
    get ended() {
      return !!state.outcome;
    },
    get phase() {
      return phaseOf(state);
    },
    get thinking() {
      return state.following && state.thinking;
    },
    get tools() {
      return state.tools;
    },
    get content() {
      return held + pieces.join('');
    },
    get position() {
      return { id, epoch: state.epoch, after: state.seq };
    },
    cancel() {
      if (!state.stopping) stream.dispatch({ type: 'stop' });
      if (!stream.ended) {
        owner.stopped(stream);
        receipt ??= clock.after(RECEIPT_WITHIN_MS, () => {
          owner.stopped(stream); // by whatever carries it by now, and without anybody who waits
          stream.dispatch({ type: 'stopped' });
        });
      }
      return final;
    },
    detach() {
      stream.dispatch({ type: 'detach' });
      return stream.position;
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    dispatch(event) {
      const before = state;
      const [next, effect] = step(before, event);
      state = next;
      stream.fresh &&= event.type !== 'ask';
      if (event.type === 'accepted') stream.warning = event.warning;
      if (event.type === 'ask' || event.type === 'lost') awaitContact(reconnectMs);
      else if (next.following) stream.reached();
      if (event.type === 'thinking' && next !== before) think(event);
      if (effect) apply(effect);
      if (phaseOf(next) !== phaseOf(before)) notify(onPhase, stream.phase);
      if (next !== before) for (const listener of listeners) notify(listener);
      return effect;
    },
    received: (frame) => (isOwn(frame.type) ? undefined : stream.dispatch(frame)),
    fail: (why) => void stream.dispatch({ type: 'fail', failure: why }),
    reached() {
      contact?.cancel();
      contact = undefined;
    },
    metrics: (why) => ({
      first_token_ms: firstTextMs,
      total_duration_ms: age(),
      chunks_received: pieces.length,
      bytes_streamed: utf8Length(pieces.join('')),
      platform,
      transport: stream.transport,
      resumes: state.resumes,
      status: why ? 'error' : (state.outcome as 'done' | 'cancelled'),
      code: why?.code,
    }),
    [Symbol.asyncIterator]: () => readPieces(stream, pieces),
  };

  const deadline = afterAwake(clock, deadlineMs, () => {
    if (!owner.isShared(stream)) owner.stopped(stream);
    stream.fail(failure('deadline_exceeded', true));
  });
  signal?.addEventListener('abort', abort);

  awaitContact(Math.min(contactMs, reconnectMs));
  if (signal?.aborted) abort();
  return stream;
}

/** The ending as the caller gets it; without a frame, of a stream that was stopped before anything was sent. */
function answerOf({ id, content, transport }: ClientStream, frame: SettledFrame, totalMs: number): Answer {
  const unsent = { firstTokenMs: null, totalMs, chunks: 0, bytes: 0 };
  const { type: outcome = 'cancelled', usage = NO_USAGE, timing = unsent } = frame ?? {};
  const { stopReason = null, refusal = null, model = null } = frame?.type === 'done' ? frame : {};
  return { outcome, id, content, stopReason, refusal, model, usage, timing, transport };
}

/** Later in this turn: what an app's own callback throws is the app's, and does not tear the stream. */
export function notify<T extends readonly unknown[]>(
  callback: ((...args: T) => void) | undefined,
  ...args: T
): void {
  if (callback) queueMicrotask(() => callback(...args));
}

/** Reads a stream from its beginning: an iterator is a cursor in its pieces of text, which grow meanwhile. */
function readPieces(stream: ClientStream, pieces: readonly string[]): AsyncIterator<string, undefined> {
  let next = 0;
  return {
    async next() {
      const value = pieces[next];
      if (value !== undefined) {
        next += 1;
        return { value };
      }
      if (stream.phase === 'failed') await stream.final; // throws
      if (stream.ended) return { value, done: true };
      await new Promise<void>((resolve) => {
        const unsubscribe = stream.subscribe(() => resolve(unsubscribe()));
      });
      return this.next();
    },
    async return() {
      void stream.cancel();
      return { value: undefined, done: true };
    },
  };
}
