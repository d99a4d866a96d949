/**
 * A simulated model that speaks the wire format of the Anthropic Messages API: for development without a key, for tests
 * and for benchmarks. `behaviour.ts` lists what it can be told to do, also by model name (`sim:stall`).
 * It writes no log and, unless `keepBodies` asks for it, keeps no word of a prompt.
 */
import { type Clock, systemClock } from '../time/clock.ts';
import { ApiError } from './api-error.ts';
import {
  type Behaviour,
  type BehaviourName,
  behaviourNamed,
  behaviourOf,
  SCRIPTED_MODELS,
} from './behaviour.ts';
import { type Listener, type ListenOptions, listen, type SimulatedHttpRequest } from './listener.ts';
import { checkHeaders, checkKey, type MessagesRequest, readMessagesRequest } from './messages-request.ts';
import { LIFELIKE, type Pace, Pacer } from './pacer.ts';
import { Playback } from './playback.ts';
import { AnswerPreparer, prepareRaw } from './prepared-answer.ts';
import { Random } from './random.ts';
import { RequestLog, type RequestRecord } from './request-log.ts';
import { JSON_TYPE, type ResponseWriter, responseHeaders } from './response-writer.ts';
import { pacedTimetable, SILENT, type Timetable, timetableAtOnce } from './timetable.ts';

export type { RequestRecord };

export interface SimulatorOptions {
  /** 0 (the default): any free port. */
  readonly port?: number;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Equal seeds and requests give equal words. */
  readonly seed?: string;
  /** Default LIFELIKE. */
  readonly pace?: Pace;
  /** PEM. With it the simulator speaks HTTP/2 and HTTP/1.1 by ALPN, without it HTTP/1.1 in plain text. */
  readonly tls?: ListenOptions['tls'];
  /** Streams a client may open in one HTTP/2 connection; default 100. */
  readonly maxConcurrentStreams?: number;
  readonly clock?: Clock;
  /** Keeps headers and body of each request, for tests of what is sent upstream. */
  readonly keepBodies?: boolean;
}

export interface SimulatorStats {
  /** Requests to `/v1/messages` open at this instant. */
  readonly open: number;
  /** Those that came to the end we gave them. */
  readonly served: number;
  /** Those the client left. */
  readonly aborted: number;
  readonly connections: number;
}

export type Scripted = Behaviour | BehaviourName | ((request: MessagesRequest) => Behaviour | BehaviourName);

export interface Simulator {
  /** `http(s)://host:port`: the SDK's `baseURL`. */
  readonly url: string;
  /** The latest 10,000 requests, oldest first. */
  readonly requests: readonly RequestRecord[];
  readonly stats: SimulatorStats;
  /** Queues one behaviour for each of the next valid requests; they go before what the model name asks for. */
  script(...next: readonly Scripted[]): void;
  /** For every request that finds the queue empty; without an argument, back to the model name. */
  always(behaviour?: Scripted): void;
  /** Sends GOAWAY in every HTTP/2 connection. */
  goAway(): void;
  /** Cuts what is open and frees the port. */
  close(): Promise<void>;
}

const MAX_BODY_BYTES = 32 * 1024 * 1024;
const DEFAULT_MAX_STREAMS = 100;

/** @throws Error of the system (`EADDRINUSE`, …) when it cannot listen */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const model = new SimulatedModel(options);
  const { host = '127.0.0.1', port = 0, tls, maxConcurrentStreams = DEFAULT_MAX_STREAMS } = options;
  await model.listen({ host, port, tls, maxConcurrentStreams });
  return model;
}

class SimulatedModel implements Simulator {
  readonly #seed: string;
  readonly #pace: Pace;
  readonly #keepBodies: boolean;
  readonly #clock: Clock;
  readonly #pacer: Pacer;
  readonly #log: RequestLog;
  readonly #answers: AnswerPreparer;
  readonly #queue: Scripted[] = [];
  #otherwise: Scripted | undefined;
  #listener: Listener | undefined;
  #count = 0;

  constructor({ seed = 'dash', pace = LIFELIKE, clock = systemClock, keepBodies = false }: SimulatorOptions) {
    this.#seed = seed;
    this.#pace = pace;
    this.#keepBodies = keepBodies;
    this.#clock = clock;
    this.#pacer = new Pacer(clock);
    this.#log = new RequestLog(clock);
    this.#answers = new AnswerPreparer(seed);
  }

  async listen(options: ListenOptions): Promise<void> {
    this.#listener = await listen(options, (request, writer) => this.#route(request, writer));
  }

  get url(): string {
    return this.#listener?.url ?? '';
  }

  get requests(): readonly RequestRecord[] {
    return this.#log.records;
  }

  get stats(): SimulatorStats {
    return { ...this.#log.counts, connections: this.#listener?.connections ?? 0 };
  }

  script(...next: readonly Scripted[]): void {
    this.#queue.push(...next);
  }

  always(behaviour?: Scripted): void {
    this.#otherwise = behaviour;
  }

  goAway(): void {
    this.#listener?.goAway();
  }

  async close(): Promise<void> {
    await this.#listener?.close();
    this.#pacer.close();
  }

  #route(http: SimulatedHttpRequest, writer: ResponseWriter): void {
    const path = http.url?.split('?', 1)[0];
    const chance = new Random(`${this.#seed}\n${this.#count++}`);
    const requestId = `req_01${chance.base62(22)}`;
    if (http.method === 'GET' && path === '/stats') {
      writer.reply(200, JSON_TYPE, JSON.stringify(this.stats));
    } else if (http.method === 'GET' && path === '/v1/models') {
      this.#models(http, writer, requestId);
    } else if (http.method === 'POST' && path === '/v1/messages') {
      this.#messages(http, writer, requestId, chance);
    } else if (http.method === 'POST' && path === '/v1/messages/count_tokens') {
      this.#countTokens(http, writer, requestId);
    } else {
      this.#refuse(writer, requestId, new ApiError('not_found_error', 'Not found'));
    }
  }

  /** Those with a behaviour of their own; it answers for every other name of the API too. */
  #models(http: SimulatedHttpRequest, writer: ResponseWriter, requestId: string): void {
    try {
      checkKey(http.headers);
      const data = SCRIPTED_MODELS.map((id) => ({ type: 'model', id, display_name: id }));
      const body = { data, first_id: data[0]?.id, last_id: data.at(-1)?.id, has_more: false };
      writer.reply(200, { ...responseHeaders(requestId, this.#clock), ...JSON_TYPE }, JSON.stringify(body));
    } catch (error) {
      this.#refuse(writer, requestId, error);
    }
  }

  #messages(http: SimulatedHttpRequest, writer: ResponseWriter, requestId: string, chance: Random): void {
    const record = this.#log.begin(requestId);
    if (this.#keepBodies) record.headers = http.headers;
    let playback: Playback | undefined;
    writer.onceClosed(() => {
      playback?.stop();
      const refused = record.status !== null && record.status !== 200;
      this.#log.closed(record, !(refused || playback?.finished));
    });
    readBody(http, writer, (json) => {
      try {
        checkHeaders(http.headers);
        const { request, body } = readMessagesRequest(json, false);
        record.model = request.model;
        record.userHash = request.userHash;
        if (this.#keepBodies) record.body = body;
        const timetable = this.#timetable(request, chance);
        record.status = 200;
        playback = new Playback({
          timetable,
          writer,
          pacer: this.#pacer,
          clock: this.#clock,
          headers: responseHeaders(requestId, this.#clock),
          wrote: (write) => this.#log.wrote(record, write),
        });
        playback.start();
      } catch (error) {
        record.status = this.#refuse(writer, requestId, error);
      }
    });
  }

  /** @throws ApiError where the behaviour is a refusal */
  #timetable(request: MessagesRequest, chance: Random): Timetable {
    const scripted = this.#queue.shift() ?? this.#otherwise ?? behaviourOf(request.model);
    const chosen = typeof scripted === 'function' ? scripted(request) : scripted;
    const behaviour = typeof chosen === 'string' ? behaviourNamed(chosen) : chosen;
    if ('refuse' in behaviour) throw behaviour.refuse;
    if ('body' in behaviour)
      return timetableAtOnce(prepareRaw(behaviour), behaviour.sliceBytes !== undefined);
    if ('silent' in behaviour) return SILENT;
    return pacedTimetable(
      this.#answers.prepare(request, behaviour),
      behaviour,
      behaviour.pace ?? this.#pace,
      chance,
    );
  }

  #countTokens(http: SimulatedHttpRequest, writer: ResponseWriter, requestId: string): void {
    readBody(http, writer, (json) => {
      try {
        checkHeaders(http.headers);
        const { request } = readMessagesRequest(json, true);
        const headers = { ...responseHeaders(requestId, this.#clock), ...JSON_TYPE };
        writer.reply(200, headers, JSON.stringify({ input_tokens: request.inputTokens }));
      } catch (error) {
        this.#refuse(writer, requestId, error);
      }
    });
  }

  /** Answers with an error and returns its status. */
  #refuse(writer: ResponseWriter, requestId: string, cause: unknown): number {
    const error = cause instanceof ApiError ? cause : new ApiError('api_error', 'Internal server error');
    const { status, retryAfter, errorCode } = error;
    writer.reply(
      status,
      {
        ...responseHeaders(requestId, this.#clock),
        ...JSON_TYPE,
        'x-should-retry': String((status === 429 && errorCode === undefined) || status >= 500),
        ...(retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }),
      },
      error.body(requestId),
    );
    return status;
  }
}

/** Calls back with the whole body; a client that leaves before is noticed by its close. */
function readBody(
  request: SimulatedHttpRequest,
  writer: ResponseWriter,
  whole: (text: string) => void,
): void {
  const parts: Buffer[] = [];
  let size = 0;
  request.on('data', (part: Buffer) => {
    size += part.length;
    if (size > MAX_BODY_BYTES) writer.disconnect();
    else parts.push(part);
  });
  request.on('end', () => whole(Buffer.concat(parts).toString()));
  request.on('error', () => parts.splice(0));
}
