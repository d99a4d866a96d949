/** The relay's HTTP doors as a test asks them: one request on a connection of its own, so that nothing is left behind. */
import { once } from 'node:events';
import { type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import type { ErrorFrame, StartFrame, Timing, Usage } from '../../src/protocol/frames.ts';
import { HeldStream, type StreamFrame } from './held-stream.ts';
import { parseServerFrame } from './server-frame.ts';

export interface Question {
  readonly method?: string;
  /** Sent as JSON, or as it stands if it is text. */
  readonly body?: object | string;
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export async function ask(url: string, question: Question = {}): Promise<Answer> {
  const response = await open(url, question);
  return { status: response.statusCode ?? 0, headers: response.headers, body: await textOf(response) };
}

/** The response's head is there; its body is the caller's. */
export async function open(
  url: string,
  { method = 'GET', body, token, headers }: Question = {},
): Promise<IncomingMessage> {
  const sent = request(url, {
    method,
    agent: false,
    headers: {
      connection: 'close',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...headers,
    },
  });
  sent.end(typeof body === 'object' ? JSON.stringify(body) : body);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  return response;
}

export async function textOf(response: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of response) parts.push(part as Buffer);
  return Buffer.concat(parts).toString();
}

/** The fields of `start`, `id` included. */
export type ChatBody = Omit<StartFrame, 'type'> & { readonly id: string };

/** What `POST /v1/chat` answers without `Accept: text/event-stream`. */
export interface WholeAnswer {
  readonly id?: string;
  readonly content?: string;
  readonly stopReason?: string | null;
  readonly model?: string;
  readonly usage?: Usage;
  readonly timing?: Timing;
  readonly error?: { readonly code: string; readonly message: string; readonly requestId: string };
}

export async function askWhole(url: string, token: string, body: ChatBody): Promise<WholeAnswer> {
  return JSON.parse((await ask(`${url}/v1/chat`, { method: 'POST', token, body })).body) as WholeAnswer;
}

/** Reads a new run, or one with that id, as server-sent events until the response ends. Every event is checked. */
export async function askEvents(url: string, token: string, body: ChatBody): Promise<HeldStream> {
  const stream = new HeldStream({ type: 'start', ...body }, body.id);
  stream.asked('start');
  const headers = { accept: 'text/event-stream' };
  const response = await open(`${url}/v1/chat`, { method: 'POST', token, body, headers });
  return await readEvents(response, stream);
}

/** Reads on behind what the stream holds. */
export async function resumeEvents(url: string, token: string, stream: HeldStream): Promise<HeldStream> {
  stream.connectionLost();
  stream.asked('resume', stream.seq);
  const headers = { 'last-event-id': `${stream.epoch}.${stream.seq}` };
  return await readEvents(await open(`${url}/v1/streams/${stream.id}`, { token, headers }), stream);
}

/**
 * Reads until the response ends; a refusal instead of it becomes the stream's.
 * @throws Error where an event is not what PROTOCOL.md says
 */
export async function readEvents(response: IncomingMessage, stream: HeldStream): Promise<HeldStream> {
  if (response.headers['content-type'] === 'application/json; charset=utf-8') {
    const { error } = JSON.parse(await textOf(response)) as { error: ErrorFrame };
    stream.refusal = error;
    return stream;
  }
  if (response.headers['content-type'] !== 'text/event-stream; charset=utf-8') {
    throw new Error(`no event stream: ${response.statusCode} ${await textOf(response)}`);
  }
  let rest = '';
  response.setEncoding('utf8');
  for await (const part of response) {
    const events = (rest + part).split('\n\n');
    rest = events.pop() ?? '';
    for (const event of events) if (!event.startsWith(':')) takeEvent(event, stream);
  }
  if (rest !== '') throw new Error(`half an event: ${rest}`);
  return stream;
}

function takeEvent(text: string, stream: HeldStream): void {
  const fields = new Map(
    text.split('\n').map((line) => /^([a-z]+): ([\s\S]*)$/.exec(line)?.slice(1) as [string, string]),
  );
  const frame = parseServerFrame(fields.get('data') ?? '') as StreamFrame;
  if (stream.take(frame) === 'gap') throw new Error(`a gap behind ${stream.seq}: ${text}`);
  const seq = 'seq' in frame ? frame.seq : frame.type === 'resumed' ? frame.after : stream.seq;
  // What only says that the run cannot be read on is no position.
  const isEnd = frame.type === 'error' && frame.of !== undefined;
  const id = isEnd ? undefined : `${stream.epoch}.${seq}`;
  if (
    frame.id !== stream.id ||
    fields.get('event') !== frame.type ||
    fields.get('id') !== id ||
    fields.size !== (isEnd ? 2 : 3)
  ) {
    throw new Error(`the event does not say what its frame does: ${text}`);
  }
}
