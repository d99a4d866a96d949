/**
 * What a list of streams holds, and what is told of its changes, as text: the machine that says it, and the stream as JSON. Another
 * version of the relay may have written it, and anybody else who can write to the store.
 */
import * as z from 'zod';
import { ERROR_CODES, type ErrorCode } from '../../protocol/codes.ts';
import type { ErasedStream, ListedStream } from '../../protocol/frames.ts';
import { SEPARATOR } from './message-text.ts';
import type { ListedName, Listing, Told } from './port.ts';

const id = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/);
const name = z.string().min(1).max(1024);
const count = z.int().nonnegative();

const listedStream = z.object({
  id,
  epoch: id,
  action: name,
  model: name,
  state: z.enum(['live', 'ended']),
  head: count,
  startedAt: count,
  endedAt: count.exactOptional(),
  textLength: count,
  ending: z.enum(['done', 'cancelled', 'error']).exactOptional(),
  code: z.enum(Object.keys(ERROR_CODES) as [ErrorCode, ...ErrorCode[]]).exactOptional(),
});
const erasedStream = z.object({ id, epoch: id, state: z.literal('erased') });

export function encodeListed(owner: string, stream: ListedStream): string {
  return owner + SEPARATOR + JSON.stringify(stream);
}

/** Without a stream: all are erased. */
export function encodeErased(owner: string, stream: ListedName | undefined): string {
  const erased: ErasedStream | undefined = stream && { id: stream.id, epoch: stream.epoch, state: 'erased' };
  return owner + SEPARATOR + (erased === undefined ? '' : JSON.stringify(erased));
}

/** `undefined` for what no machine writes. */
export function decodeListed(text: string): Listing | undefined {
  const [owner, json] = split(text);
  const stream = listedStream.safeParse(parse(json)).data;
  return stream && { owner, stream };
}

/** Likewise. */
export function decodeTold(text: string): Told | undefined {
  const [owner, json] = split(text);
  if (json === '') return { owner, change: 'all_erased' };
  const value = parse(json);
  const change = listedStream.safeParse(value).data ?? erasedStream.safeParse(value).data;
  return change && { owner, change };
}

function split(text: string): [owner: string, json: string | undefined] {
  const at = text.indexOf(SEPARATOR);
  return at < 0 ? ['', undefined] : [text.slice(0, at), text.slice(at + 1)];
}

function parse(json: string | undefined): unknown {
  try {
    return JSON.parse(json ?? 'null');
  } catch {
    return undefined;
  }
}
