/**
 * Untrusted text in, a client frame out. Owns the shape of what clients may send; what an action, a model or a
 * limit permits is decided elsewhere. The only file of the wire vocabulary that needs a library (zod), server only.
 */
import * as z from 'zod';
import type { ClientFrame, ErrorFrame, StreamRequest } from './frames.ts';
import { isBlank } from './model-rules.ts';
import { RelayError } from './relay-error.ts';

const MAX_CONTEXT_BYTES = 16 * 1024;
const MAX_CONTEXT_DEPTH = 32;
const MAX_MESSAGES = 500;
/** Keys that reach into an object's prototype in careless code further on. */
const POISONED_KEYS = new Set(['__proto__', 'constructor', 'prototype']);

const id = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, '1 to 64 of A-Z, a-z, 0-9, _ and -');
const seq = z.number().int().nonnegative();

const block = z.looseObject({ type: z.string() });
const message = z.strictObject({
  role: z.enum(['user', 'assistant']),
  content: z.union([z.string().min(1), z.array(block).min(1)], 'a non-empty string or a list of blocks'),
});

const requestShape = {
  action: z.string().min(1).max(64),
  messages: z.array(message).min(1).max(MAX_MESSAGES),
  context: z.union([z.string(), z.record(z.string(), z.unknown())], 'a string or an object').optional(),
  model: z.string().min(1).max(256).optional(),
  maxTokens: z.number().int().positive().optional(),
  events: z.enum(['text', 'all']).optional(),
  onDisconnect: z.enum(['resume', 'cancel']).optional(),
};

const frames = {
  start: z.strictObject({ type: z.literal('start'), id, ...requestShape }),
  cancel: z.strictObject({ type: z.literal('cancel'), id }),
  resume: z.strictObject({
    type: z.literal('resume'),
    id,
    epoch: z.string().regex(/^[A-Za-z0-9_-]{8,32}$/, 'the epoch of `accepted` or `resumed`'),
    after: seq,
  }),
  ack: z.strictObject({ type: z.literal('ack'), id, seq }),
  auth: z.strictObject({ type: z.literal('auth'), token: z.string().min(1) }),
  ping: z.strictObject({
    type: z.literal('ping'),
    t: z.union([z.number(), z.string().max(64)], 'a number or a short string').optional(),
  }),
} as const;

const httpRequest = z.strictObject({ id: id.optional(), ...requestShape });
const textBlock = z.strictObject({ type: z.literal('text'), text: z.string().min(1) });
const imageBlock = z.strictObject({
  type: z.literal('image'),
  source: z.strictObject({
    type: z.literal('base64'),
    media_type: z.enum(['image/jpeg', 'image/png', 'image/gif', 'image/webp']),
    data: z.base64(),
  }),
});

/** What a frame turned out to be: itself, or why not, and as far as it could be read which frame it was. */
export type ParsedFrame =
  | { readonly frame: ClientFrame }
  | { readonly error: RelayError; readonly id?: string; readonly of?: NonNullable<ErrorFrame['of']> };

/** An ack as every client of ours writes it: the one frame that comes all the time, at a tenth of the schema's cost. */
const USUAL_ACK = /^\{"type":"ack","id":"([A-Za-z0-9_-]{1,64})","seq":(0|[1-9]\d{0,14})\}$/;

/** Parses one text frame. Never throws. */
export function parseClientFrame(text: string): ParsedFrame {
  const [, usualId, usualSeq] = USUAL_ACK.exec(text) ?? [];
  if (usualId !== undefined) return { frame: { type: 'ack', id: usualId, seq: Number(usualSeq) } };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { error: badRequest('the frame is not JSON') };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { error: badRequest('a frame is a JSON object') };
  }
  return parseObject(value as Record<string, unknown>);
}

/**
 * Parses the body of `POST /v1/chat`: the fields of `start`, `id` optional.
 * @throws RelayError bad_request, unsupported
 */
export function parseHttpRequest(value: unknown): {
  readonly id: string | undefined;
  readonly request: StreamRequest;
} {
  const { id: streamId, ...request } = check(httpRequest, value);
  return { id: streamId, request: checkRequest(request, value) };
}

function parseObject(value: Record<string, unknown>): ParsedFrame {
  // The plan's own frame has no type; it is a start whose id the relay makes.
  if (!Object.hasOwn(value, 'type') && Object.hasOwn(value, 'messages')) return parsePlanFrame(value);
  const type = value['type'];
  if (typeof type !== 'string' || !Object.hasOwn(frames, type)) {
    return { error: badRequest(`a frame has a type, one of ${Object.keys(frames).join(', ')}`) };
  }
  try {
    const schema: z.ZodType<unknown> = frames[type as ClientFrame['type']];
    const frame = check(schema, value) as ClientFrame;
    if (frame.type === 'start') checkRequest(frame, value);
    return { frame };
  } catch (error) {
    return { error: RelayError.from(error), ...addressee(type, value['id']) };
  }
}

function parsePlanFrame(value: Record<string, unknown>): ParsedFrame {
  try {
    const { id: streamId, request } = parseHttpRequest(value);
    return { frame: { type: 'start', id: streamId, ...request } };
  } catch (error) {
    return { error: RelayError.from(error), ...addressee('start', value['id']) };
  }
}

/** The `id` and `of` of the answer: both, or, where the frame has no readable id, neither. */
function addressee(type: string, value: unknown): { id?: string; of?: NonNullable<ErrorFrame['of']> } {
  const known = id.safeParse(value);
  if (!known.success || type === 'auth' || type === 'ping') return {};
  return { id: known.data, of: type as NonNullable<ErrorFrame['of']> };
}

function check<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw badRequest(explain(result.error));
}

/** What the schema cannot say. `raw` is the value as it was sent: the schema drops `__proto__` from records unseen. */
function checkRequest<T>(request: T, raw: unknown): T & StreamRequest {
  const { messages } = request as { messages: { role: string; content: string | unknown[] }[] };
  if (!messages.some((each) => each.role === 'user'))
    throw badRequest('messages: at least one is of role user');
  for (const [index, { content }] of messages.entries()) {
    const blocks = typeof content === 'string' ? [{ type: 'text', text: content }] : content;
    if (typeof content !== 'string') for (const each of content) checkBlock(each as Record<string, unknown>);
    if (blocks.every((each) => isBlankBlock(each as Record<string, unknown>)))
      throw badRequest(`messages.${index}.content: nothing but white space; leave this message out`);
  }
  const { context } = raw as { context?: unknown };
  if (context !== undefined) checkContext(context);
  return request as T & StreamRequest;
}

/** Unknown blocks and unknown fields of known ones are `unsupported`; wrong values in the right place `bad_request`. */
function checkBlock(value: Record<string, unknown>): void {
  const schema = value['type'] === 'text' ? textBlock : value['type'] === 'image' ? imageBlock : undefined;
  const result = schema?.safeParse(value);
  if (result?.success) return;
  const source = value['source'] as { type?: unknown } | undefined;
  const foreign =
    result === undefined ||
    (value['type'] === 'image' && source?.type !== 'base64') ||
    result.error.issues.some((issue) => issue.code === 'unrecognized_keys');
  if (foreign) {
    throw new RelayError('unsupported', 'messages: only text blocks and base64 image blocks are supported');
  }
  throw badRequest(`messages: ${explain(result.error)}`);
}

/** A blank block beside others is left out before the model is asked; a message of nothing else cannot be. */
function isBlankBlock({ type, text }: Readonly<Record<string, unknown>>): boolean {
  return type === 'text' && typeof text === 'string' && isBlank(text);
}

function checkContext(context: unknown): void {
  checkDepth(context);
  if (Buffer.byteLength(JSON.stringify(context)) > MAX_CONTEXT_BYTES) {
    throw new RelayError('too_large', `context: at most ${MAX_CONTEXT_BYTES} bytes of JSON`);
  }
}

/** Level by level, without recursion: a frame of 10,000 brackets must not exhaust the stack. */
function checkDepth(root: unknown): void {
  let level: unknown[] = [root];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > MAX_CONTEXT_DEPTH) throw badRequest(`context: nested deeper than ${MAX_CONTEXT_DEPTH}`);
    const below: unknown[] = [];
    for (const value of level) {
      if (typeof value !== 'object' || value === null) continue;
      for (const [key, child] of Object.entries(value)) {
        if (POISONED_KEYS.has(key)) throw badRequest('context: a field name is not allowed');
        below.push(child);
      }
    }
    level = below;
  }
}

/** One issue, by its path: field names and our own words, never a value of the client's. */
function explain(error: z.ZodError): string {
  const issue = error.issues[0];
  if (issue === undefined) return 'the request is not valid';
  const path = issue.path.length === 0 ? '' : `${issue.path.map(String).join('.')}: `;
  if (issue.code === 'unrecognized_keys') {
    const names = issue.keys.slice(0, 5).map((key) => JSON.stringify(key.slice(0, 40)));
    return `${path}unknown field ${names.join(', ')}`;
  }
  return `${path}${issue.message}`;
}

function badRequest(message: string): RelayError {
  return new RelayError('bad_request', message);
}
