/**
 * One POST to an endpoint of the operator's: bounded in time and size, no redirect followed, never sent twice. What it
 * reports of a failure is a word, and none of what the other side said.
 */
import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import type { LookupFunction } from 'node:net';
import type { Clock } from '../time/clock.ts';

// Imported, node:http loads all of the built-in fetch for its export WebSocket: 6 MB (decision 0014).
const { request: httpRequest } = process.getBuiltinModule('node:http');
const { request: httpsRequest } = process.getBuiltinModule('node:https');

export const MAX_ANSWER_BYTES = 64 * 1024;

/** `failed`: no connection, or one that broke; `status`: not 2xx; `not_text`: neither JSON nor text; `stopped`: by its signal. */
export type PostOutcome =
  | 'answered'
  | 'failed'
  | 'late'
  | 'redirect'
  | 'status'
  | 'too_large'
  | 'not_text'
  | 'stopped';

export interface PostAnswer {
  readonly outcome: PostOutcome;
  /** Only of one that answered, and that was to be read. */
  readonly text: string;
  /** Null where none came. */
  readonly status: number | null;
  readonly bytes: number;
  /** The header by that name; null where none came. */
  readonly retryAfter: string | null;
}

export interface Post {
  readonly url: string;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Whether the answer has to be JSON or text; otherwise it is read to its end, and thrown away. */
  readonly wantsText: boolean;
  /** In place of the system's, for a host that is a name. */
  readonly lookup?: LookupFunction | undefined;
}

/** Resolves once the request is closed. Never rejects. */
export async function postOnce(post: Post, clock: Clock): Promise<PostAnswer> {
  const { url, body, headers, timeoutMs, signal, wantsText, lookup } = post;
  let stopped: PostOutcome | undefined = signal.aborted ? 'stopped' : undefined;
  if (stopped !== undefined) return { ...NO_ANSWER, outcome: stopped };
  // A connection of its own: one that was kept may be gone, and what was sent on it is not sent again.
  const request = (url.startsWith('https:') ? httpsRequest : httpRequest)(url, {
    method: 'POST',
    agent: false,
    ...(lookup === undefined ? {} : { lookup }),
    headers: { ...headers, 'content-length': Buffer.byteLength(body), 'accept-encoding': 'identity' },
  });
  const closed = new Promise((resolve) => request.once('close', resolve));
  const stop = (outcome: PostOutcome): void => {
    stopped ??= outcome;
    request.destroy();
  };
  const onAbort = (): void => stop('stopped');
  signal.addEventListener('abort', onAbort);
  const timer = clock.after(timeoutMs, () => stop('late'));
  try {
    const answered = new Promise<IncomingMessage | undefined>((resolve) => {
      request.once('response', resolve);
      request.on('error', () => resolve(undefined));
      request.once('close', () => resolve(undefined));
    });
    request.end(body);
    const response = await answered;
    const read = response === undefined ? NO_ANSWER : await readAnswer(response, wantsText);
    return stopped === undefined ? read : { ...read, outcome: stopped, text: '' };
  } finally {
    timer.cancel();
    signal.removeEventListener('abort', onAbort);
    request.destroy();
    await closed;
  }
}

const NO_ANSWER: PostAnswer = { outcome: 'failed', text: '', status: null, bytes: 0, retryAfter: null };

async function readAnswer(response: IncomingMessage, wantsText: boolean): Promise<PostAnswer> {
  const { statusCode: status = 0, headers } = response;
  const ended = (outcome: PostOutcome, bytes = 0, text = ''): PostAnswer => {
    response.destroy();
    return { outcome, text, status, bytes, retryAfter: headers['retry-after'] ?? null };
  };
  response.on('error', () => {}); // it closes, which says the same
  if (status >= 300 && status < 400) return ended('redirect');
  if (status < 200 || status >= 300) return ended('status');
  if (wantsText && !isText(headers)) return ended('not_text');
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > MAX_ANSWER_BYTES) return ended('too_large', bytes);
      if (wantsText) chunks.push(chunk);
    }
  } catch {
    return ended('failed', bytes);
  }
  const whole = Buffer.concat(chunks);
  if (!response.complete) return ended('failed', bytes);
  return isUtf8(whole) ? ended('answered', bytes, whole.toString()) : ended('not_text', bytes);
}

/** An empty answer may have no type. */
function isText(headers: IncomingMessage['headers']): boolean {
  const { 'content-type': type = 'text/plain', 'content-encoding': encoding = 'identity' } = headers;
  return encoding === 'identity' && /^(text\/|application\/([\w.+-]+\+)?json\b)/i.test(type);
}
