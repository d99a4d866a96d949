/**
 * Streams without a WebSocket: each one read by a request of its own, as server-sent events or as one JSON answer,
 * again and again until it has its ending. A stream that is known to run is never posted again: `GET /v1/streams/:id`
 * reads on where it stands, so nothing comes twice and nothing is paid twice.
 */
import type { DoneFrame, EndingFrame } from '../protocol/frames.ts';
import type { Transport } from './answer.ts';
import type { ClientClock, ClientTimer } from './clock.ts';
import type { Pauses } from './pauses.ts';
import {
  type FetchRequest,
  type FetchResponse,
  isFailure,
  type Refusal,
  type RelayHttp,
} from './relay-http.ts';
import type { Run } from './run.ts';
import type { StreamEvent, StreamFrame } from './stream-state.ts';
import type { TransportSelector } from './transport-selector.ts';
import { sendingMs } from './web-socket.ts';

/** The relay comments each 15 s: a response that is silent for longer than two of them is dead, ms. */
const SILENCE_MS = 40_000;
/** How often the relay is told to stop a model before it is left to notice by itself that nobody reads. */
const STOP_ATTEMPTS = 8;
const EVENTS = 'text/event-stream';

export interface HttpTransportParts {
  readonly http: RelayHttp;
  readonly ladder: TransportSelector;
  readonly pauses: Pauses;
  readonly clock: ClientClock;
  readonly connectMs: number;
}

export interface HttpTransport {
  /** Reads the run until it has ended. Resolves with true where it is to go on by another transport. */
  follow(run: Run, transport: Transport): Promise<boolean>;
  /** `DELETE /v1/streams/:id` until it is heard, also for a run that has ended for its caller; then what is left to read. */
  cancel(run: Run): Promise<void>;
  /** The run has ended for its caller: its request is not read on. */
  forget(run: Run): void;
  /** A JSON answer tells nothing before its end: it is asked for again, which shows whether anybody is there. */
  doubt(run: Run): void;
  /**
   * The network is gone: what is open hears nothing more. After a sleep that may hold only of JSON, whose silence tells
   * nothing; asked for again, it is the same run.
   */
  drop(of?: Transport): void;
  /** Nobody is told to stop any more. */
  rest(): void;
}

export function createHttpTransport({
  http,
  ladder,
  pauses,
  clock,
  connectMs,
}: HttpTransportParts): HttpTransport {
  const reads = new Map<Run, AbortController>();
  const stops = new Set<Run>();
  const doubts = new Set<Run>();

  /** One request. Resolves with the least time to wait before the next one, or undefined if the relay was not heard. */
  const attempt = async (run: Run): Promise<number | undefined> => {
    const abort = new AbortController();
    const { path, init } = questionOf(run);
    let heard = false;
    let watch: ClientTimer | undefined;
    const waitFor = (ms: number): void => {
      watch?.cancel();
      watch = clock.after(ms, () => abort.abort());
    };
    const silent = run.transport === 'json' && !run.state.stopping; // takes as long as the run, whose deadline ends both
    if (!silent) waitFor(connectMs + sendingMs(init.body));
    reads.set(run, abort);
    run.dispatch({ type: 'ask', silent });
    try {
      const reply = await http.request(path, { ...init, signal: abort.signal });
      if (!('response' in reply)) return run.state.stopping ? undefined : refuse(run, reply);
      await read(run, reply.response, () => {
        heard ||= run.state.following || run.ended;
        if (heard) waitFor(SILENCE_MS);
      });
    } catch {
      // The network, or somebody on the way who talks nonsense.
    } finally {
      watch?.cancel();
      abort.abort();
      if (reads.get(run) === abort) reads.delete(run);
    }
    return heard ? 0 : undefined;
  };

  /** After a request by which the relay was not heard. True where the run is to go on by another transport. */
  const isBlocked = async (run: Run, failures: number): Promise<boolean> => {
    const { transport } = run;
    const cause = await http.diagnose();
    if (cause === 'transport') {
      if (doubts.delete(run)) run.reached();
      else if (transport !== 'json' && ladder.failed(transport)) return true;
    } else if (cause?.retryable === false) {
      run.fail(cause);
    }
    await rest(run, failures, cause === 'transport' ? 0 : cause?.retryAfterMs);
    return false;
  };

  const rest = async (run: Run, failures: number, leastMs?: number): Promise<void> => {
    if (isWanted(run)) await pauses.backOff(failures, leastMs);
  };

  const follow = async (run: Run, transport: Transport): Promise<boolean> => {
    run.transport = transport;
    if (run.state.stopping) void cancel(run);
    for (let failures = 0; isWanted(run); failures++) {
      const { seq } = run.state;
      const leastMs = await attempt(run);
      if (leastMs !== undefined) ladder.worked(transport);
      if (!isWanted(run)) break;
      run.dispatch({ type: 'lost' });
      if (run.state.seq > seq) failures = 0;
      if (leastMs !== undefined) await rest(run, failures, leastMs);
      else if (await isBlocked(run, failures)) return !run.ended;
    }
    return false;
  };

  /** What the relay says to `DELETE`, in the end. */
  const stopModel = async (run: Run): Promise<Stopped> => {
    for (let count = 0; count < STOP_ATTEMPTS && stops.has(run); count++) {
      const answer = await http.read<EndingFrame>(`/v1/streams/${run.id}`, 'DELETE');
      if (isEnding(answer)) return { ending: answer };
      // A start that was given up may arrive behind the first word to stop it.
      if (answer?.error && !answer.error.retryable && (run.state.epoch || count > 0)) return answer;
      if (stops.has(run)) await pauses.backOff(count, answer?.error?.retryAfterMs);
    }
    return {};
  };

  const cancel = async (run: Run): Promise<void> => {
    if (stops.has(run)) return;
    stops.add(run);
    if (run.transport === 'websocket') run.transport = 'sse';
    reads.get(run)?.abort(); // a browser holds six connections to a host: the one of this stream carries the word
    const { ending, error } = await stopModel(run);
    stops.delete(run);
    if (ending && !run.ended) await attempt(run);
    if (error && error.code !== 'unknown_stream') run.fail(error);
    else run.dispatch({ type: 'stopped', ending });
  };

  return {
    follow,
    cancel,
    forget: (run) => reads.get(run)?.abort(),
    doubt(run) {
      if (run.request?.onDisconnect === 'cancel') return run.reached(); // asking again would stop it
      doubts.add(run);
      reads.get(run)?.abort();
    },
    drop(of) {
      for (const [{ transport }, abort] of reads) if (!of || of === transport) abort.abort();
    },
    rest: () => stops.clear(),
  };
}

/** What is stopped is read on by `cancel`. */
function isWanted({ ended, state }: Run): boolean {
  return !ended && !state.stopping;
}

type Stopped = Refusal & { readonly ending?: EndingFrame };

/** Once a run is known, or is only to be stopped, it is never posted again. */
function questionOf({ id, request, state, transport }: Run): { path: string; init: FetchRequest } {
  const { epoch, seq, stopping } = state;
  const accept = transport === 'json' ? '*/*' : EVENTS;
  if (epoch)
    return { path: `/v1/streams/${id}`, init: { headers: { accept, 'last-event-id': `${epoch}.${seq}` } } };
  if (stopping) return { path: `/v1/streams/${id}`, init: { headers: { accept } } };
  const headers = { accept, 'content-type': 'application/json' };
  return { path: '/v1/chat', init: { method: 'POST', headers, body: JSON.stringify({ id, ...request }) } };
}

function refuse(run: Run, { error, content }: Refusal): number | undefined {
  const { id, state } = run;
  const { epoch, seq } = state;
  if (!error) return undefined;
  if (content !== undefined) {
    run.dispatch({ type: 'whole', content, seq });
    run.dispatch({ ...error, type: 'error', id } as StreamEvent);
  } else if (!epoch || !error.retryable) {
    run.dispatch({ ...error, type: 'error', id, of: epoch ? 'resume' : 'start' } as StreamEvent);
  }
  return error.retryAfterMs ?? 0;
}

/** A response, to its end. `heard` after each part of it. */
async function read(run: Run, response: FetchResponse, heard: () => void): Promise<void> {
  const type = response.headers.get('content-type') ?? '';
  if (type.includes('json')) readWhole(run, await response.json());
  else if (!type.includes(EVENTS))
    return; // somebody between us and the relay answers
  else if (run.transport !== 'json' && response.body) await readEvents(run, response.body.getReader(), heard);
  else deliver(run, await response.text());
  heard();
}

type EventReader = ReturnType<NonNullable<FetchResponse['body']>['getReader']>;

async function readEvents(run: Run, reader: EventReader, heard: () => void): Promise<void> {
  const decoder = new TextDecoder();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const text = rest + decoder.decode(value, { stream: true });
    const end = text.lastIndexOf('\n\n') + 1;
    rest = text.slice(end);
    if (deliver(run, text.slice(0, end))) return;
    heard();
  }
}

/** Dispatches the `data` of whole events; their ids are in it. True where the stream has to be asked for again. */
function deliver(run: Run, events: string): boolean {
  return events
    .split('\n')
    .some(
      (line) =>
        line.startsWith('data:') && run.dispatch(JSON.parse(line.slice(5)) as StreamFrame)?.type === 'ask',
    );
}

type WholeAnswer = DoneFrame & { readonly content: string };

function readWhole(run: Run, answer: unknown): void {
  const { content, model, timing, usage } = answer as Partial<WholeAnswer>;
  const seq = timing?.chunks;
  if (typeof content !== 'string' || typeof seq !== 'number' || !usage) return; // not the relay's
  run.dispatch({ type: 'whole', content, seq });
  run.dispatch({ ...(answer as WholeAnswer), seq, type: model ? 'done' : 'cancelled' } as StreamFrame);
}

function isEnding(answer: Partial<EndingFrame> | Refusal | undefined): answer is EndingFrame {
  const { type, usage } = (answer ?? {}) as Partial<EndingFrame>;
  return type === 'error'
    ? isFailure(answer as EndingFrame & { type: 'error' })
    : !!usage && (type === 'done' || type === 'cancelled');
}
