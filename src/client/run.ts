/**
 * One stream being answered: the machine of stream-state.ts with what it leaves out, the text, the caller's callbacks,
 * the deadlines and the measurements. It does not know how frames come and go: a door dispatches them, and asks again
 * where the effect says so.
 */
import type { QuotaState, StreamRequest } from '../protocol/frames.ts';
import type { Answer, DashStream, StreamOptions, Transport } from './answer.ts';
import type { ClientClock, ClientTimer } from './clock.ts';
import { DashError, type Failure, failure } from './dash-error.ts';
import type { StreamingMetrics } from './metrics.ts';
import { readPieces } from './read-pieces.ts';
import {
  type Effect,
  initialState,
  phaseOf,
  type StreamEvent,
  type StreamState,
  step,
} from './stream-state.ts';
import { utf8Length } from './utf8-length.ts';

type SettledFrame = (Effect & { type: 'settled' })['frame'];

const NO_USAGE = {
  inputTokens: 0,
  outputTokens: 0,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  source: 'none',
} as const;
/** A first connection is given up sooner than one that carried text, ms. */
const FIRST_CONTACT_MS = 30_000;
/** A request that tells nothing before its end is asked for again where contact is overdue, and gets this long, ms. */
const DOUBT_MS = 12_000;
/** After a stop nobody waits longer for the receipt, ms. */
const RECEIPT_WITHIN_MS = 10_000;

export interface RunOwner {
  readonly clock: ClientClock;
  readonly platform: string;
  readonly reconnectMs: number;
  readonly deadlineMs: number;
  /** The caller wants the model stopped, and the relay may have to know. */
  stopped(run: Run): void;
  /** The run tells nothing before its end, and nobody has been heard for too long: is anybody there? */
  doubted(run: Run): void;
  /** Somebody else reads the same stream here: only he may stop it. */
  isShared(run: Run): boolean;
  settled(run: Run): void;
}

export interface RunSource {
  readonly id: string;
  readonly request?: StreamRequest;
  /** Where an earlier page left. */
  readonly at?: { readonly epoch: string; readonly seq: number };
  /** The text held by then. */
  readonly held?: string | undefined;
}

export interface Run extends DashStream {
  readonly request: StreamRequest | undefined;
  readonly state: StreamState;
  readonly ended: boolean;
  /** The door that it goes by; a door sets it. */
  transport: Transport;
  warning?: QuotaState | undefined;
  /** Feeds the machine. Returns what is left to do for a door. */
  dispatch(event: StreamEvent): Effect | undefined;
  fail(why: Failure): void;
  /** The relay was heard: the time without contact is over. */
  reached(): void;
  metrics(): StreamingMetrics;
}

export function createRun(
  { id, request, at, held = '' }: RunSource,
  options: StreamOptions,
  owner: RunOwner,
): Run {
  const { clock, platform, reconnectMs } = owner;
  const { deadlineMs = owner.deadlineMs, signal, onChunk, onPhase } = options;
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

  const abort = (): void => void run.cancel();

  const finish = ({ frame, failure: why }: Effect & { type: 'settled' }): void => {
    deadline.cancel();
    run.reached();
    receipt?.cancel();
    signal?.removeEventListener('abort', abort);
    if (why) settle?.[1](new DashError(why, run.content));
    else settle?.[0](answerOf(run, frame, age()));
    owner.settled(run);
  };

  const unreachable = (): void => run.fail(failure('unreachable', true));
  const awaitContact = (ms: number): void => {
    if (state.outcome) return;
    contact ??= clock.after(ms, () => {
      if (!state.following) return unreachable();
      contact = clock.after(DOUBT_MS, unreachable);
      owner.doubted(run);
    });
  };

  const run: Run = {
    id,
    request,
    final,
    transport: 'websocket',
    get state() {
      return state;
    },
    get ended() {
      return !!state.outcome;
    },
    get phase() {
      return phaseOf(state);
    },
    get content() {
      return held + pieces.join('');
    },
    get position() {
      return { id, epoch: state.epoch, after: state.seq };
    },
    cancel() {
      if (!state.stopping) run.dispatch({ type: 'stop' });
      if (!run.ended) {
        owner.stopped(run);
        receipt ??= clock.after(RECEIPT_WITHIN_MS, () => {
          owner.stopped(run); // by whatever carries it by now, and without anybody who waits
          run.dispatch({ type: 'stopped' });
        });
      }
      return final;
    },
    detach() {
      run.dispatch({ type: 'detach' });
      return run.position;
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    dispatch(event) {
      const before = state;
      const [next, effect] = step(before, event);
      state = next;
      if (event.type === 'accepted') run.warning = event.warning;
      if (event.type === 'ask' || event.type === 'lost') awaitContact(reconnectMs);
      else if (next.following && !before.following) run.reached();
      if (effect?.type === 'text') {
        firstTextMs ??= age();
        pieces.push(effect.text);
        notify(onChunk, effect.text);
      }
      if (effect?.type === 'settled') finish(effect);
      if (phaseOf(next) !== phaseOf(before)) notify(onPhase, run.phase);
      if (next !== before) for (const listener of listeners) notify(listener);
      return effect;
    },
    fail: (why) => void run.dispatch({ type: 'fail', failure: why }),
    reached() {
      contact?.cancel();
      contact = undefined;
    },
    metrics: () => ({
      first_token_ms: firstTextMs,
      total_duration_ms: age(),
      chunks_received: pieces.length,
      bytes_streamed: utf8Length(pieces.join('')),
      platform,
      transport: run.transport,
      resumes: state.resumes,
    }),
    [Symbol.asyncIterator]: () => readPieces(run, pieces),
  };

  const deadline = clock.after(deadlineMs, () => {
    if (!owner.isShared(run)) owner.stopped(run);
    run.fail(failure('deadline_exceeded', true));
  });
  signal?.addEventListener('abort', abort);

  awaitContact(Math.min(FIRST_CONTACT_MS, reconnectMs));
  if (signal?.aborted) abort();
  return run;
}

/** The ending as the caller gets it; without a frame, of a stream that was stopped before anything was sent. */
function answerOf({ id, content, transport }: Run, frame: SettledFrame, totalMs: number): Answer {
  const unsent = { firstTokenMs: null, totalMs, chunks: 0, bytes: 0 };
  const { type: outcome = 'cancelled', usage = NO_USAGE, timing = unsent } = frame ?? {};
  const { stopReason = null, model = null } = frame?.type === 'done' ? frame : {};
  return { outcome, id, content, stopReason, model, usage, timing, transport };
}

/** Later in this turn: what an app's own callback throws is the app's, and does not tear the stream. */
function notify<T extends readonly unknown[]>(
  callback: ((...args: T) => void) | undefined,
  ...args: T
): void {
  if (callback) queueMicrotask(() => callback(...args));
}
