/**
 * Streams without a WebSocket: each one read by a request of its own, as server-sent events or as one JSON answer,
 * again and again until it has its ending. A stream that is known to run is never posted again: `GET /v1/streams/:id`
 * reads on where it stands, so nothing comes twice and nothing is paid twice.
 */
import type { DoneFrame, EndingFrame, ResumedFrame } from '../protocol/frames.ts';
import type { Backoff } from './backoff.ts';
import type { ClientStream } from './client-stream.ts';
import type { Transport } from './dash-stream.ts';
import {
  type ClientClock,
  type ClientTimer,
  type FetchRequest,
  type FetchResponse,
  sendingMs,
} from './platform.ts';
import { isFailure, type Refusal, type RelayHttp } from './relay-http.ts';
import type { StreamEvent, StreamFrame } from './stream-state.ts';
import type { TransportSelector } from './transport-selector.ts';

/** The relay comments each 15 s: a response that is silent for longer than two of them is dead, ms. */
const SILENCE_MS = 40_000;
/** How often the relay is told to stop a model before it is left to notice by itself that nobody reads. */
const STOP_ATTEMPTS = 8;
const EVENTS = 'text/event-stream';

export interface HttpTransportParts {
  readonly http: RelayHttp;
  readonly selector: TransportSelector;
  readonly backoff: Backoff;
  readonly clock: ClientClock;
  readonly connectMs: number;
}

export interface HttpTransport {
  /** Reads the stream until it has ended. Resolves with true where it is to go on by another transport. */
  follow(stream: ClientStream, transport: Transport): Promise<boolean>;
  /** `DELETE /v1/streams/:id` until it is heard, also for a stream that has ended for its caller; then what is left to read. */
  cancel(stream: ClientStream): Promise<void>;
  /** The stream has ended for its caller: its request is not read on. */
  forget(stream: ClientStream): void;
  /**
   * The network is gone: what is open hears nothing more. After a sleep that may hold only of JSON, whose silence tells
   * nothing; asked for again, it is the same run.
   */
  drop(of?: Transport): void;
  /** The relay is not told of stops any more. */
  stopCancelling(): void;
}

export function createHttpTransport({
  http,
  selector,
  backoff,
  clock,
  connectMs,
}: HttpTransportParts): HttpTransport {
  const reads = new Map<ClientStream, AbortController>();
  const stops = new Set<ClientStream>();

  /** One request. Resolves with the least time to wait before the next one, or undefined if the relay was not heard. */
  const attempt = async (stream: ClientStream): Promise<number | undefined> => {
    const abort = new AbortController();
    const { path, init } = questionOf(stream);
    let heard = false;
    let watch: ClientTimer | undefined;
    const giveUp = (): void => abort.abort();
    const waitFor = (ms: number, overdue: () => void): void => {
      watch?.cancel();
      watch = clock.after(ms, overdue);
    };
    /** A JSON answer tells nothing before its end, and takes as long as the run: is it being written? */
    const check = async (): Promise<void> => {
      const known = await http.read<ResumedFrame>(`/v1/streams/${stream.id}/state`);
      if (abort.signal.aborted) return;
      const { state, error } = known ?? {};
      if (state) stream.dispatch({ ...(known as ResumedFrame), type: 'resumed' });
      // Another error is not about this stream: too many requests, or an older relay without the path.
      if (state !== 'live' && (!error || error.code === 'unknown_stream')) return giveUp();
      stream.reached();
      waitFor(connectMs, check);
    };
    const silent = stream.transport === 'json' && !stream.state.stopping;
    waitFor(connectMs + sendingMs(init.body), silent ? check : giveUp);
    reads.set(stream, abort);
    stream.dispatch({ type: 'ask', silent });
    try {
      const reply = await http.request(path, { ...init, signal: abort.signal });
      if (!('response' in reply)) return stream.state.stopping ? undefined : refuse(stream, reply);
      await read(stream, reply.response, () => {
        heard ||= stream.state.following || stream.ended;
        if (heard) waitFor(SILENCE_MS, giveUp);
      });
    } catch {
      // The network, or nonsense of something on the way.
    } finally {
      watch?.cancel();
      abort.abort();
      if (reads.get(stream) === abort) reads.delete(stream);
    }
    return heard ? 0 : undefined;
  };

  /** After a request by which the relay was not heard. True where the stream is to go on by another transport. */
  const isBlocked = async (stream: ClientStream, failures: number): Promise<boolean> => {
    const { transport } = stream;
    const cause = await http.diagnose();
    if (cause === 'transport') {
      if (transport !== 'json' && selector.failed(transport)) return true;
    } else if (cause?.retryable === false) {
      stream.fail(cause);
    }
    await wait(stream, failures, cause === 'transport' ? 0 : cause?.retryAfterMs);
    return false;
  };

  const wait = async (stream: ClientStream, failures: number, leastMs?: number): Promise<void> => {
    if (isWanted(stream)) await backoff.wait(failures, leastMs);
  };

  const follow = async (stream: ClientStream, transport: Transport): Promise<boolean> => {
    stream.transport = transport;
    if (stream.state.stopping) void cancel(stream);
    for (let failures = 0; isWanted(stream); failures++) {
      const { seq } = stream.state;
      const leastMs = await attempt(stream);
      if (leastMs !== undefined) selector.worked(transport);
      if (!isWanted(stream)) break;
      stream.dispatch({ type: 'lost' });
      if (stream.state.seq > seq) failures = 0;
      if (leastMs !== undefined) await wait(stream, failures, leastMs);
      else if (await isBlocked(stream, failures)) return !stream.ended;
    }
    return false;
  };

  /** What the relay says to `DELETE`, in the end. */
  const stopModel = async (stream: ClientStream): Promise<Stopped> => {
    for (let count = 0; count < STOP_ATTEMPTS && stops.has(stream); count++) {
      const answer = await http.read<EndingFrame>(`/v1/streams/${stream.id}`, 'DELETE');
      if (isEnding(answer)) return { ending: answer };
      // A start that was given up may arrive after the first request to stop it.
      if (answer?.error && !answer.error.retryable && (stream.state.epoch || count > 0)) return answer;
      if (stops.has(stream)) await backoff.wait(count, answer?.error?.retryAfterMs);
    }
    return {};
  };

  const cancel = async (stream: ClientStream): Promise<void> => {
    if (stops.has(stream)) return;
    stops.add(stream);
    if (stream.transport === 'websocket') stream.transport = 'sse';
    reads.get(stream)?.abort(); // a browser holds six connections to a host: the one of this stream carries the word
    const { ending, error } = await stopModel(stream);
    stops.delete(stream);
    if (ending && !stream.ended) await attempt(stream);
    if (error && error.code !== 'unknown_stream') stream.fail(error);
    else stream.dispatch({ type: 'stopped', ending });
  };

  return {
    follow,
    cancel,
    forget: (stream) => reads.get(stream)?.abort(),
    drop(of) {
      for (const [{ transport }, abort] of reads) if (!of || of === transport) abort.abort();
    },
    stopCancelling: () => stops.clear(),
  };
}

/** What is stopped is read on by `cancel`. */
function isWanted({ ended, state }: ClientStream): boolean {
  return !ended && !state.stopping;
}

type Stopped = Refusal & { readonly ending?: EndingFrame };

/** Once a run is known, or is only to be stopped, it is never posted again. */
function questionOf({ id, request, state, transport }: ClientStream): {
  path: string;
  init: FetchRequest & { readonly body?: string };
} {
  const { epoch, seq, stopping, startable } = state;
  const accept = transport === 'json' ? '*/*' : EVENTS;
  const path = `/v1/streams/${id}`;
  if (epoch) return { path, init: { headers: { accept, 'last-event-id': `${epoch}.${seq}` } } };
  if (stopping || !startable) return { path, init: { headers: { accept } } };
  const headers = { accept, 'content-type': 'application/json' };
  return { path: '/v1/chat', init: { method: 'POST', headers, body: JSON.stringify({ id, ...request }) } };
}

function refuse(stream: ClientStream, { error, content }: Refusal): number | undefined {
  const { id, state } = stream;
  const { seq } = state;
  const isKnown = state.epoch || !state.startable;
  if (!error) return undefined;
  if (content !== undefined) {
    stream.dispatch({ type: 'whole', content, seq });
    stream.dispatch({ ...error, type: 'error', id } as StreamEvent);
  } else if (!isKnown || !error.retryable) {
    stream.dispatch({ ...error, type: 'error', id, of: isKnown ? 'resume' : 'start' } as StreamEvent);
  }
  return error.retryAfterMs ?? 0;
}

/** A response, to its end. `heard` after each part of it. */
async function read(stream: ClientStream, response: FetchResponse, heard: () => void): Promise<void> {
  const type = response.headers.get('content-type') ?? '';
  if (type.includes('json')) readWhole(stream, await response.json());
  else if (!type.includes(EVENTS))
    return; // an answer of something between us and the relay
  else if (stream.transport !== 'json' && response.body)
    await readEvents(stream, response.body.getReader(), heard);
  else deliver(stream, await response.text());
  heard();
}

type EventReader = ReturnType<NonNullable<FetchResponse['body']>['getReader']>;

async function readEvents(stream: ClientStream, reader: EventReader, heard: () => void): Promise<void> {
  const decoder = new TextDecoder();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const text = rest + decoder.decode(value, { stream: true });
    const end = text.lastIndexOf('\n\n') + 1;
    rest = text.slice(end);
    // Node 20 and 22 leave a read for ever that is aborted after the last bytes: after the ending nothing is read.
    if (deliver(stream, text.slice(0, end)) || stream.ended) return;
    heard();
  }
}

/** Dispatches the `data` of whole events; their ids are in it. True where the stream has to be asked for again. */
function deliver(stream: ClientStream, events: string): boolean {
  return events
    .split('\n')
    .some(
      (line) =>
        line.startsWith('data:') && stream.received(JSON.parse(line.slice(5)) as StreamFrame)?.type === 'ask',
    );
}

type WholeAnswer = DoneFrame & { readonly content: string };

function readWhole(stream: ClientStream, answer: unknown): void {
  const { content, model, timing, usage } = answer as Partial<WholeAnswer>;
  const seq = timing?.chunks;
  if (typeof content !== 'string' || typeof seq !== 'number' || !usage) return; // not the relay's
  stream.dispatch({ type: 'whole', content, seq });
  stream.dispatch({ ...(answer as WholeAnswer), seq, type: model ? 'done' : 'cancelled' } as StreamFrame);
}

function isEnding(answer: Partial<EndingFrame> | Refusal | undefined): answer is EndingFrame {
  const { type, usage } = (answer ?? {}) as Partial<EndingFrame>;
  return type === 'error'
    ? isFailure(answer as EndingFrame & { type: 'error' })
    : !!usage && (type === 'done' || type === 'cancelled');
}
