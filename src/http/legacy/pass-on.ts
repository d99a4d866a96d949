/**
 * Asks the old function what this relay does not serve, and hands its answer through as it comes. With the token that
 * was verified here, the headers listed and no others; bounded in number, time and size; no redirect is followed. Who
 * hangs up, here or there, ends both.
 */
import type { ClientRequest, IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { OldFunction } from '../../legacy/old-body.ts';
import type { Observer } from '../../observability/port.ts';
import { RelayError } from '../../protocol/relay-error.ts';
import type { Clock, Timer } from '../../time/clock.ts';
import { principalOf } from '../admission/request-guard.ts';
import { callerOf } from '../admission/request-refusal.ts';
import { onClosed } from '../routes/on-closed.ts';

// Imported, node:http loads all of the built-in fetch for its export WebSocket: 6 MB (decision 0014).
const { Agent, request: httpRequest } = process.getBuiltinModule('node:http');
const { Agent: HttpsAgent, request: httpsRequest } = process.getBuiltinModule('node:https');

/** At once, of all users: each holds a connection here and there. */
const MOST_AT_ONCE = 64;
const CONNECT_MS = 10_000;
/** Until the first byte, as long as Supabase itself waits for one. */
const HEAD_MS = 150_000;
/** For all of it: what Supabase grants a function on its paid plans. */
const TOTAL_MS = 400_000;
const MAX_ANSWER_BYTES = 32 * 1024 * 1024;
/** Says whose request it is, so that an address that leads back here is noticed. */
const VIA = '1.1 dash-relay';

const ASKING_HEADERS = [
  'authorization',
  'apikey',
  'content-type',
  'accept',
  'x-client-info',
  'x-supabase-api-version',
  'x-region',
];
const ANSWER_HEADERS = [
  'content-type',
  'content-length',
  'content-encoding',
  'content-disposition',
  'content-language',
  'retry-after',
  'x-relay-error',
];

export interface PassOnParts {
  /** What the name of a function is appended to. */
  readonly url: string;
  readonly clock: Clock;
  readonly observer: Pick<Observer, 'passedOn'>;
}

export class PassOn {
  readonly #parts: PassOnParts;
  readonly #agent: InstanceType<typeof Agent>;
  #live = 0;

  constructor(parts: PassOnParts) {
    this.#parts = parts;
    const options = { keepAlive: true, maxSockets: MOST_AT_ONCE };
    this.#agent = isTls(parts.url) ? new HttpsAgent(options) : new Agent(options);
  }

  /**
   * Answers with what the old function of that name answers to the body.
   * @throws RelayError unavailable, where there is no answer to hand through
   */
  async ask(name: OldFunction, body: string, reply: FastifyReply): Promise<void> {
    const { request } = reply;
    if (request.headers.via?.includes(VIA) === true) throw unavailable('circle');
    if (this.#live >= MOST_AT_ONCE) throw unavailable('too_many');
    this.#live += 1;
    onClosed(reply, () => {
      this.#live -= 1;
    });
    await new Passage(name, reply, this.#send(name, body, request), this.#parts).handThrough();
  }

  /** Closes the connections that are kept. */
  close(): void {
    this.#agent.destroy();
  }

  #send(name: OldFunction, body: string, { headers }: FastifyRequest): ClientRequest {
    const { url } = this.#parts;
    const sent = (isTls(url) ? httpsRequest : httpRequest)(`${url}/${name}`, {
      method: 'POST',
      agent: this.#agent,
      headers: {
        ...only(ASKING_HEADERS, headers),
        'accept-encoding': 'identity',
        'content-length': Buffer.byteLength(body),
        via: VIA,
      },
    });
    sent.end(body);
    return sent;
  }
}

/** How it went: for the log, and as the cause of the error where nothing could be handed through. */
type Outcome = Parameters<Observer['passedOn']>[0]['outcome'];

/** One request that is passed on. */
class Passage {
  readonly #name: OldFunction;
  readonly #reply: FastifyReply;
  readonly #sent: ClientRequest;
  readonly #parts: PassOnParts;
  readonly #begun: number;
  #status: number | null = null;
  #bytes = 0;
  #outcome: Outcome | undefined;

  constructor(name: OldFunction, reply: FastifyReply, sent: ClientRequest, parts: PassOnParts) {
    this.#name = name;
    this.#reply = reply;
    this.#sent = sent;
    this.#parts = parts;
    this.#begun = parts.clock.elapsed();
  }

  /** @throws RelayError unavailable, where there is no answer to hand through */
  async handThrough(): Promise<void> {
    const timers = this.#limitTime();
    onClosed(this.#reply, () => {
      if (!this.#reply.raw.writableFinished) this.#stop('caller_gone');
    });
    try {
      const answer = await answerTo(this.#sent);
      if (answer === undefined) this.#outcome ??= 'failed';
      else await this.#stream(answer);
    } finally {
      for (const timer of timers) timer.cancel();
      if (this.#outcome === undefined) this.#stop('failed');
      this.#tell();
    }
    if (this.#outcome === 'caller_gone')
      this.#reply.hijack(); // there is nobody to answer
    else if (this.#status === null) throw unavailable(this.#outcome);
  }

  #limitTime(): Timer[] {
    const { clock } = this.#parts;
    const late = (): void => this.#stop('late');
    const connecting = clock.after(CONNECT_MS, late);
    this.#sent.once('socket', (socket) => {
      if (socket.connecting) socket.once('connect', () => connecting.cancel());
      else connecting.cancel();
    });
    const head = clock.after(HEAD_MS, () => {
      if (this.#status === null) late();
    });
    return [connecting, head, clock.after(TOTAL_MS, late)];
  }

  /** Resolves when all of it has come, or no more will. */
  async #stream(answer: IncomingMessage): Promise<void> {
    answer.on('error', () => {}); // it closes, which says the same
    const { statusCode: status = 502, headers } = answer;
    const { raw } = this.#reply;
    if (status >= 300 && status < 400) return this.#stop('redirect');
    if (status < 200 || status > 599) return this.#stop('failed');
    // Before the reply is taken from Fastify, which can still answer where it throws.
    raw.writeHead(status, {
      ...(this.#reply.getHeaders() as OutgoingHttpHeaders),
      ...plain(only(ANSWER_HEADERS, headers)),
    });
    this.#status = status;
    this.#reply.hijack();
    raw.flushHeaders();
    answer.on('data', (part: Buffer) => {
      this.#bytes += part.length;
      if (this.#bytes > MAX_ANSWER_BYTES) this.#stop('too_large');
    });
    answer.pipe(raw);
    await new Promise((resolve) => answer.once('close', resolve));
    this.#outcome ??= answer.complete ? 'answered' : 'failed';
    if (!answer.complete) raw.destroy();
  }

  #stop(outcome: Outcome): void {
    this.#outcome ??= outcome;
    this.#sent.destroy();
  }

  #tell(): void {
    const { clock, observer } = this.#parts;
    const { request } = this.#reply;
    observer.passedOn({
      ...callerOf(request),
      userId: principalOf(request).userId,
      name: this.#name,
      status: this.#status,
      outcome: this.#outcome ?? 'failed',
      ms: clock.elapsed() - this.#begun,
      bytes: this.#bytes,
    });
  }
}

/** Undefined where there will be none. */
function answerTo(sent: ClientRequest): Promise<IncomingMessage | undefined> {
  return new Promise((resolve) => {
    sent.once('response', resolve);
    sent.on('error', () => resolve(undefined));
    sent.once('close', () => resolve(undefined));
  });
}

function only(names: readonly string[], headers: IncomingHttpHeaders): Record<string, string> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = headers[name];
      return typeof value === 'string' ? [[name, value]] : [];
    }),
  );
}

/** Without values beyond ASCII, as of file names: node:http writes other bytes than it read, or throws. */
function plain(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([, value]) => /^[\t -~]*$/.test(value)));
}

function isTls(url: string): boolean {
  return url.startsWith('https:');
}

function unavailable(why: Outcome | 'circle' | 'too_many' = 'failed'): RelayError {
  const [message, again] = MESSAGES[why] ?? ['the old function did not answer; try again', true];
  return new RelayError('unavailable', message, {
    cause: `passed_on_${why}`,
    ...(again ? {} : { retryable: false }),
  });
}

/** By what went wrong, and whether another try may help. */
const MESSAGES: Readonly<Partial<Record<string, readonly [message: string, again: boolean]>>> = {
  circle: ['LEGACY_FUNCTIONS_URL leads back to a relay; set it to the old functions', false],
  redirect: ['the old function answered with a redirect, which is not followed', false],
  too_many: ['too many requests are being passed on; try again', true],
};
