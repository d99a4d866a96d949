/**
 * A simulated model that speaks the wire format of the Anthropic Messages API: for development without a key, for tests
 * and for benchmarks. `behaviour.ts` lists what it can be told to do, also by model name (`sim:stall`).
 * It writes no log and, unless `keepBodies` asks for it, keeps no word of a prompt.
 */
import type { ModelTable } from '../models/model-table.ts';
import { type Clock, systemClock, type Timer } from '../time/clock.ts';
import { ApiError } from './api-error.ts';
import { type Behaviour, type BehaviourName, behaviourNamed, behaviourOf } from './behaviour.ts';
import { CacheDiagnosis } from './cache-diagnosis.ts';
import { type Listener, type ListenOptions, listen, type SimulatedHttpRequest } from './listener.ts';
import { listModels, retrieveModel } from './models/models-api.ts';
import { SimulatedModels } from './models/simulated-models.ts';
import { LIFELIKE, type Pace, Pacer } from './pacer.ts';
import { Playback } from './playback.ts';
import { AnswerPreparer, prepareRaw } from './prepared-answer.ts';
import { PromptCache, type PromptUsage } from './prompt-cache.ts';
import { Random } from './random.ts';
import { readBodyHeaders, readHeaders } from './request/headers.ts';
import { type MessagesRequest, type ReadRequest, readMessagesRequest } from './request/messages-request.ts';
import { RequestLog, type RequestRecord } from './request-log.ts';
import { JSON_TYPE, type ResponseWriter, responseHeaders } from './response-writer.ts';
import { THINKING_AT_HIGH } from './thought.ts';
import { pacedTimetable, SILENT, type Timetable, timetableAtOnce } from './timetable.ts';
import { type CountBehaviour, CountLog, type CountRecord } from './token-counts.ts';

export type { CountBehaviour, CountRecord, PromptUsage, RequestRecord };

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
  /** What each model takes and how long it lives; default: the models file that ships with the relay. */
  readonly modelTable?: ModelTable | undefined;
  /** Names of models of no table, for tests: they take whatever any model takes, as the `sim:` ones do. */
  readonly moreModels?: readonly string[];
  /** What a model thinks at the effort `high`, in tokens of the older tokenizer; default 200: about two seconds. */
  readonly thinkingTokens?: number;
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
  /** The same of requests to count a prompt: they stand in no other figure here. */
  readonly counts: readonly CountRecord[];
  readonly stats: SimulatorStats;
  /** What requests to count a prompt are answered with; without an argument, with what it would be billed as. */
  count(behaviour?: CountBehaviour): void;
  /**
   * Queues one behaviour for each of the next valid requests; they go before what the model name asks for. Without an argument,
   * forgets those that are queued.
   */
  script(...next: readonly Scripted[]): void;
  /** For every request that finds the queue empty; without an argument, back to the model name. */
  always(behaviour?: Scripted): void;
  /** Sends GOAWAY in every HTTP/2 connection. */
  goAway(): void;
  /** Cuts what is open and frees the port. */
  close(): Promise<void>;
}

/** What a request is answered with. */
interface Response {
  readonly timetable: Timetable;
  /** Null where nothing is said of it. */
  readonly prompt: PromptUsage | null;
  /** Its first bytes are written. */
  readonly begun: () => void;
}

const MAX_BODY_BYTES = 32 * 1024 * 1024;
const ONE_MODEL = 'GET /v1/models/';
const DEFAULT_MAX_STREAMS = 100;
const KEPT_THOUGHTS = 10_000;

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
  readonly #models: SimulatedModels;
  readonly #cache: PromptCache;
  readonly #diagnosis = new CacheDiagnosis();
  /** The latest of them: what was thought before tools were asked for. */
  readonly #thoughts = new Map<string, string>();
  readonly #queue: Scripted[] = [];
  readonly #counts = new CountLog();
  #otherwise: Scripted | undefined;
  #counting: CountBehaviour = {};
  #listener: Listener | undefined;
  #count = 0;

  constructor(options: SimulatorOptions) {
    const { seed = 'dash', pace = LIFELIKE, clock = systemClock, keepBodies = false } = options;
    this.#seed = seed;
    this.#pace = pace;
    this.#keepBodies = keepBodies;
    this.#clock = clock;
    this.#pacer = new Pacer(clock);
    this.#log = new RequestLog(clock);
    this.#answers = new AnswerPreparer(seed, options.thinkingTokens ?? THINKING_AT_HIGH);
    this.#models = new SimulatedModels(options.modelTable, options.moreModels);
    this.#cache = new PromptCache(clock);
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

  get counts(): readonly CountRecord[] {
    return this.#counts.records;
  }

  get stats(): SimulatorStats {
    return { ...this.#log.counts, connections: this.#listener?.connections ?? 0 };
  }

  script(...next: readonly Scripted[]): void {
    if (next.length === 0) this.#queue.length = 0;
    this.#queue.push(...next);
  }

  count(behaviour: CountBehaviour = {}): void {
    this.#counting = behaviour;
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
    const [path = '', query] = http.url?.split('?', 2) ?? [];
    const chance = new Random(`${this.#seed}\n${this.#count++}`);
    const requestId = `req_01${chance.base62(22)}`;
    const asked = `${http.method} ${path}`;
    if (asked === 'GET /stats') {
      writer.reply(200, JSON_TYPE, JSON.stringify(this.stats));
    } else if (asked === 'GET /v1/models') {
      this.#reply(http, writer, requestId, (now) =>
        listModels(this.#models, new URLSearchParams(query), now),
      );
    } else if (asked.startsWith(ONE_MODEL)) {
      const id = decoded(asked.slice(ONE_MODEL.length));
      this.#reply(http, writer, requestId, (now) => retrieveModel(this.#models, id, now));
    } else if (asked === 'POST /v1/messages') {
      this.#messages(http, writer, requestId, chance);
    } else if (asked === 'POST /v1/messages/count_tokens') {
      this.#countTokens(http, writer, requestId);
    } else {
      this.#refuse(writer, requestId, new ApiError('not_found_error', 'Not found'));
    }
  }

  /** @param answer throws ApiError; `now` in Unix ms */
  #reply(
    http: SimulatedHttpRequest,
    writer: ResponseWriter,
    requestId: string,
    answer: (now: number) => object,
  ): void {
    try {
      readHeaders(http.headers);
      const body = JSON.stringify(answer(this.#clock.now()));
      writer.reply(200, { ...responseHeaders(requestId, this.#clock), ...JSON_TYPE }, body);
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
        const read = this.#read(http, json, false);
        record.model = read.request.model;
        record.userHash = read.request.userHash;
        if (this.#keepBodies) record.body = read.body;
        const { timetable, prompt, begun } = this.#respond(read, chance);
        record.status = 200;
        record.prompt = prompt;
        playback = new Playback({
          timetable,
          writer,
          pacer: this.#pacer,
          clock: this.#clock,
          headers: responseHeaders(requestId, this.#clock),
          begun,
          wrote: (write) => this.#log.wrote(record, write),
        });
        playback.start();
      } catch (error) {
        record.status = this.#refuse(writer, requestId, error);
      }
    });
  }

  /** @throws ApiError for what the API refuses */
  #read(http: SimulatedHttpRequest, json: string, counting: boolean): ReadRequest {
    const headers = readBodyHeaders(http.headers);
    return readMessagesRequest(json, {
      counting,
      headers,
      models: this.#models,
      now: this.#clock.now(),
      thoughts: this.#thoughts,
    });
  }

  /** @throws ApiError where the behaviour is a refusal */
  #respond({ request, prompt, previousMessage }: ReadRequest, chance: Random): Response {
    const scripted = this.#queue.shift() ?? this.#otherwise ?? behaviourOf(request.model);
    const chosen = typeof scripted === 'function' ? scripted(request) : scripted;
    const behaviour = typeof chosen === 'string' ? behaviourNamed(chosen) : chosen;
    if ('refuse' in behaviour) throw behaviour.refuse;
    if ('body' in behaviour)
      return asItStands(timetableAtOnce(prepareRaw(behaviour), behaviour.sliceBytes !== undefined));
    if ('silent' in behaviour) return asItStands(SILENT);
    const { usage, begun } = this.#cache.read(prompt);
    const divergence = this.#diagnosis.compare(prompt, previousMessage);
    const answer = this.#answers.prepare(request, { prompt: usage, divergence }, behaviour);
    if (previousMessage !== undefined && answer.messageId !== null)
      this.#diagnosis.remember(answer.messageId, prompt);
    this.#remember(answer.thoughts);
    const timetable = pacedTimetable(answer, behaviour, behaviour.pace ?? this.#pace, chance);
    return { timetable, prompt: usage, begun };
  }

  #remember(thoughts: ReadonlyMap<string, string>): void {
    for (const [id, thought] of thoughts) this.#thoughts.set(id, thought);
    for (const oldest of this.#thoughts.keys()) {
      if (this.#thoughts.size <= KEPT_THOUGHTS) break;
      this.#thoughts.delete(oldest);
    }
  }

  #countTokens(http: SimulatedHttpRequest, writer: ResponseWriter, requestId: string): void {
    const record = this.#counts.begin(requestId);
    const behaviour = this.#counting;
    let later: Timer | undefined;
    writer.onceClosed(() => {
      later?.cancel();
      record.aborted = record.status === null;
    });
    readBody(http, writer, (json) => {
      try {
        const { request, body } = this.#read(http, json, true);
        record.model = request.model;
        if (this.#keepBodies) record.body = body;
        if ('refuse' in behaviour) throw behaviour.refuse;
        if ('silent' in behaviour) return;
        const { inputTokens = request.promptTokens, waitMs = 0 } = behaviour;
        const answer = (): void => {
          Object.assign(record, { status: 200, inputTokens });
          const headers = { ...responseHeaders(requestId, this.#clock), ...JSON_TYPE };
          writer.reply(200, headers, JSON.stringify({ input_tokens: inputTokens }));
        };
        if (waitMs === 0) answer();
        else later = this.#clock.after(waitMs, answer);
      } catch (error) {
        record.status = this.#refuse(writer, requestId, error);
      }
    });
  }

  /** Answers with an error and returns its status. */
  #refuse(writer: ResponseWriter, requestId: string, cause: unknown): number {
    const error = cause instanceof ApiError ? cause : new ApiError('api_error', 'Internal server error');
    const { status, retryAfter } = error;
    writer.reply(
      status,
      {
        ...responseHeaders(requestId, this.#clock),
        ...JSON_TYPE,
        'x-should-retry': String(error.isPassing),
        ...(retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }),
      },
      error.body(requestId),
    );
    return status;
  }
}

/** A response of our own making: of a prompt nothing is known. */
function asItStands(timetable: Timetable): Response {
  return { timetable, prompt: null, begun: () => {} };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
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
