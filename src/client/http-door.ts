/**
 * Streams without a WebSocket: each one read by a request of its own, as server-sent events or as one JSON answer,
 * again and again until it has its ending. A stream that is known to run is never posted again: `GET /v1/streams/:id`
 * reads on where it stands, so nothing comes twice and nothing is paid twice.
 */
import type { DoneFrame } from '../protocol/frames.ts';
import type { Transport } from './answer.ts';
import type { ClientClock, ClientTimer } from './clock.ts';
import type { Pauses } from './pauses.ts';
import { type FetchResponse, type RelayHttp, refusalOf } from './relay-http.ts';
import type { Run } from './run.ts';
import type { StreamEvent, StreamFrame } from './stream-state.ts';

/** The relay comments each 15 s: a response that is silent for longer than two of them is dead, ms. */
const SILENCE_MS = 40_000;
const EVENTS = 'text/event-stream';

export interface HttpDoorParts {
  readonly http: RelayHttp;

  readonly pauses: Pauses;
  readonly clock: ClientClock;
  readonly connectMs: number;
}

export interface HttpDoor {
  /** Reads the run until it has ended. Resolves with true where the relay answers, but not in this way. */
  follow(run: Run, transport: Transport): Promise<boolean>;
  /** `DELETE /v1/streams/:id` until it is heard; whoever reads the stream gets the ending behind the last text. */
  cancel(run: Run): Promise<void>;
  /** The run has ended for its caller: its request is not read on. */
  forget(run: Run): void;
  /**
   * The network is gone: what is open hears nothing more. After a sleep that may hold only of JSON, whose silence tells
   * nothing; asked for again, it is the same run.
   */
  drop(of?: Transport): void;
}

export function createHttpDoor({ http, pauses, clock, connectMs }: HttpDoorParts): HttpDoor {
  const reads = new Map<Run, AbortController>();

  /** One request. Resolves with how long to wait at least before the next one, or undefined if nothing was heard. */
  const attempt = async (run: Run): Promise<number | undefined> => {
    const abort = new AbortController();
    const streaming = run.transport === 'sse';
    let watch: ClientTimer | undefined;
    const waitFor = (ms: number): void => {
      watch?.cancel();
      watch = clock.after(ms, () => abort.abort());
    };
    if (streaming) waitFor(connectMs); // one JSON answer takes as long as the run, whose deadline ends both
    reads.set(run, abort);
    try {
      const response = await ask(run, http, abort.signal);
      if (!response.ok) return await refuse(run, response);
      const type = response.headers.get('content-type') ?? '';
      if (type.includes('json')) readWhole(run, (await response.json()) as WholeAnswer);
      else if (!type.includes(EVENTS))
        return undefined; // somebody between us and the relay answers
      else if (streaming && response.body)
        await readEvents(run, response.body.getReader(), () => waitFor(SILENCE_MS));
      else deliver(run, await response.text());

      return 0;
    } catch {
      return run.state.following && streaming ? 0 : undefined;
    } finally {
      watch?.cancel();
      abort.abort();
      reads.delete(run);
    }
  };

  const cancel = async (run: Run): Promise<void> => {
    for (let count = 0; !run.ended; count++) {
      if (await http.read(`/v1/streams/${run.id}`, ({ ok }) => ok, 'DELETE')) return;
      await pauses.backOff(count);
    }
  };

  const follow = async (run: Run, transport: Transport): Promise<boolean> => {
    run.transport = transport;
    if (run.state.stopping) void cancel(run);
    for (let count = 0; ; count++) {
      const leastMs = await attempt(run);
      if (run.ended) return false;
      run.dispatch({ type: 'lost' });
      if (leastMs !== undefined) count = 0;
      else if (!(await http.recover(count, (error) => run.fail(error)))) continue;
      else if (transport !== 'json') return !run.ended;
      await pauses.backOff(count, leastMs);
    }
  };

  return {
    follow,
    cancel,
    forget: (run) => reads.get(run)?.abort(),
    drop(of) {
      for (const [{ transport }, abort] of reads) if (!of || of === transport) abort.abort();
    },
  };
}

function ask(run: Run, http: RelayHttp, signal: AbortSignal): Promise<FetchResponse> {
  const { id, request, state, transport } = run;
  const { epoch, seq } = state;
  const accept = transport === 'sse' ? EVENTS : '*/*';
  run.dispatch({ type: 'ask' });
  if (transport === 'json') run.dispatch({ type: 'whole', content: '', seq: 0 });
  if (epoch) {
    const headers = { accept, 'last-event-id': `${epoch}.${seq}` };
    return http.request(`/v1/streams/${id}`, { headers, signal });
  }
  const headers = { accept, 'content-type': 'application/json' };
  return http.request('/v1/chat', {
    method: 'POST',
    headers,
    body: JSON.stringify({ id, ...request }),
    signal,
  });
}

async function refuse(run: Run, response: FetchResponse): Promise<number | undefined> {
  const { error, content } = await refusalOf(response);
  const { id, state } = run;
  const { epoch, seq } = state;
  if (!error) return undefined;
  if (content !== undefined) {
    run.dispatch({ type: 'whole', content, seq });
    run.dispatch({ ...error, type: 'error', id } as StreamEvent);
  } else if (!epoch || !error.retryable) {
    run.dispatch({ ...error, type: 'error', id, of: epoch ? 'resume' : 'start' } as StreamEvent);
  }
  return error.retryAfterMs;
}

type EventReader = ReturnType<NonNullable<FetchResponse['body']>['getReader']>;

async function readEvents(run: Run, reader: EventReader, heard: () => void): Promise<void> {
  const decoder = new TextDecoder();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    heard();
    const text = rest + decoder.decode(value, { stream: true });
    const end = text.lastIndexOf('\n\n') + 1;
    rest = text.slice(end);
    if (deliver(run, text.slice(0, end))) return;
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

function readWhole(run: Run, answer: WholeAnswer): void {
  const { content, model, timing } = answer;
  const seq = timing.chunks;
  run.dispatch({ type: 'whole', content, seq });
  run.dispatch({ ...answer, seq, type: model ? 'done' : 'cancelled' } as StreamFrame);
}
