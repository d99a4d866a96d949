/**
 * The frames of the AI SDK's `WebSocketChatTransport`: those of its client read, and those for it written. The library validates
 * what it gets, and one frame that it does not know ends every chat of its socket: so the types below are all there are.
 */
import { RelayError } from '../protocol/relay-error.ts';
import type { WireText } from '../protocol/wire-text.ts';
import { toWire } from '../protocol/wire-text.ts';
import { type ChatRequest, chatIdOf, chatRequestOf, requireTrigger } from './chat-request.ts';
import type { UiMessageChunk } from './chunks.ts';

/** A frame of the client's, by what it asks for. */
export type ChatFrame =
  | (ChatRequest & { readonly type: 'send'; readonly token: string | undefined })
  | {
      readonly type: 'resume';
      readonly chatId: string;
      /** Number of the last chunk held; undefined for a replay. */
      readonly lastSequence: number | undefined;
      readonly token: string | undefined;
    }
  | { readonly type: 'abort' };

/** Longest id of a request, UTF-16 code units. */
const MAX_REQUEST_ID = 128;

type Fields = Readonly<Record<string, unknown>>;

/** The request that a frame is about, where it says so: by that an error can be answered. */
export function requestIdOf({ requestId }: Fields): string | undefined {
  return typeof requestId === 'string' && requestId !== '' && requestId.length <= MAX_REQUEST_ID
    ? requestId
    : undefined;
}

/** @throws RelayError bad_request, unsupported */
export function readChatFrame(frame: Fields): ChatFrame {
  const { type } = frame;
  if (type === 'abort') return { type };
  if (type === 'send') {
    requireTrigger(frame['trigger']);
    const { id, messages, body = {} } = frame;
    return { type, ...chatRequestOf(id, messages, fieldsOf(body, 'body')), token: tokenOf(frame) };
  }
  if (type !== 'resume') throw new RelayError('bad_request', 'type: one of send, resume, abort');
  const { id, lastSequence } = frame;
  if (lastSequence !== undefined && !isSequence(lastSequence))
    throw new RelayError('bad_request', 'lastSequence: the number of the last chunk held, or none');
  return { type, chatId: chatIdOf(id), lastSequence, token: tokenOf(frame) };
}

function isSequence(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** Of `headers`, by which an app hands in the token that it has now. */
function tokenOf({ headers = {} }: Fields): string | undefined {
  const [, given] =
    Object.entries(fieldsOf(headers, 'headers')).find(([name]) => name.toLowerCase() === 'authorization') ??
    [];
  if (given !== undefined && typeof given !== 'string')
    throw new RelayError('bad_request', 'headers.authorization: a text');
  const [, token] = /^Bearer +(\S+)$/i.exec(given ?? '') ?? [];
  return token;
}

function fieldsOf(value: unknown, name: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new RelayError('bad_request', `${name}: an object`);
  return value as Fields;
}

/** What every frame about a request begins with. */
export type RequestPrefix = string & { readonly requestPrefix: true };

/** @param requestId of the client's own making: any text */
export function requestPrefix(requestId: string): RequestPrefix {
  return `"requestId":${toWire(JSON.stringify(requestId))}` as RequestPrefix;
}

export function startWire(request: RequestPrefix): WireText {
  return `{"type":"start",${request}}` as WireText;
}

/** @param chunk as JSON */
export function chunkWire(request: RequestPrefix, sequence: number, chunk: WireText): WireText {
  return `{"type":"chunk",${request},"sequence":${sequence},"chunk":${chunk}}` as WireText;
}

export function endWire(request: RequestPrefix): WireText {
  return `{"type":"end",${request}}` as WireText;
}

export function noActiveWire(request: RequestPrefix): WireText {
  return `{"type":"no-active",${request}}` as WireText;
}

export function errorWire(request: RequestPrefix, errorText: string): WireText {
  return `{"type":"error",${request},"errorText":${toWire(JSON.stringify(errorText))}}` as WireText;
}

export function encodeUiChunk(chunk: UiMessageChunk): WireText {
  return toWire(JSON.stringify(chunk));
}

/** @param json the inside of a JSON string literal */
export function encodeTextDelta(partId: string, json: WireText): WireText {
  return `{"type":"text-delta","id":"${partId}","delta":"${json}"}` as WireText;
}
