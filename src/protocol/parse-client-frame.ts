/**
 * Untrusted text in, a client frame out. Owns the shape of what clients may send; what an action, a model or a
 * limit permits is decided elsewhere. Server only: with the other parsers it needs a library (zod).
 *
 * The library collects every fault of what it is given, at microseconds each. So it is given one small object at a
 * time, with few fields, and the first fault ends it: lists are walked here, and are counted before.
 */
import type * as z from 'zod';
import { badRequest, checkShape, explain, hasTooManyFields } from './check-shape.ts';
import {
  clientFrames,
  httpRequest,
  imageBlock,
  MAX_BLOCKS,
  MAX_UPLOADS,
  message,
  streamId,
  textBlock,
  uploadedBlock,
} from './client-frame-schemas.ts';
import {
  type ClientFrame,
  type ErrorFrame,
  isUploaded,
  type Message,
  type MessageBlock,
  type StreamRequest,
} from './frames.ts';
import { isBlank } from './model-rules.ts';
import { checkParameters } from './parameters.ts';
import { parseJson, requireBounds } from './parse-json.ts';
import { RelayError } from './relay-error.ts';

const MAX_CONTEXT_BYTES = 16 * 1024;
const MAX_CONTEXT_DEPTH = 32;
/**
 * The largest honest request has 500 messages, 1000 blocks and a context of 16 KiB; a chat of the AI SDK some 20 values for each message
 * beside its text, more where tools were called, and clients of AG-UI that write null for what is absent not much less.
 */
const BOUNDS = { depth: 64, values: 10_000, alike: 30_000 } as const;
/** Keys that reach into an object's prototype in careless code further on. */
const POISONED_KEYS = new Set(['__proto__', 'constructor', 'prototype']);

/** What a frame turned out to be: itself, or why not, and as far as it could be read which frame it was. */
export type ParsedFrame =
  | { readonly frame: ClientFrame }
  | {
      readonly error: RelayError;
      readonly id?: string;
      /** No stream has that id: a route by whose frames none is named tells its answer by it. */
      readonly isMadeUp?: true;
      readonly of?: NonNullable<ErrorFrame['of']>;
    };

/** An ack as every client of ours writes it: the one frame that comes all the time, at a tenth of the schema's cost. */
const USUAL_ACK = /^\{"type":"ack","id":"([A-Za-z0-9_-]{1,64})","seq":(0|[1-9]\d{0,14})\}$/;

/** Reads a frame without `type`. @throws RelayError */
export type ReadUntyped = (value: Readonly<Record<string, unknown>>) => {
  readonly id: string | undefined;
  readonly request: StreamRequest;
};

/**
 * Parses one text frame. Never throws.
 * @param readUntyped for clients that send frames without `type`; absent: such a frame is the plan's own, with `messages`
 */
export function parseClientFrame(text: string, readUntyped?: ReadUntyped): ParsedFrame {
  const [, usualId, usualSeq] = USUAL_ACK.exec(text) ?? [];
  if (usualId !== undefined) return { frame: { type: 'ack', id: usualId, seq: Number(usualSeq) } };
  try {
    return parseObject(parseFrameText(text), readUntyped);
  } catch (error) {
    return { error: RelayError.from(error) };
  }
}

/**
 * The object that a text frame is, whatever frames its route knows.
 * @throws RelayError bad_request
 */
export function parseFrameText(text: string): Record<string, unknown> {
  const value = parseJson(text, BOUNDS);
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw badRequest('a frame is a JSON object');
}

/**
 * To be asked before a request body is parsed, whatever its route makes of it.
 * @throws RelayError bad_request
 */
export function requireBoundedBody(text: string): void {
  requireBounds(text, BOUNDS);
}

/**
 * Parses the body of `POST /v1/chat`: the fields of `start`, `id` optional.
 * @throws RelayError bad_request, unsupported
 */
export function parseHttpRequest(value: unknown): {
  readonly id: string | undefined;
  readonly request: StreamRequest;
} {
  const { id, ...request } = checkShape(httpRequest, value);
  return { id, request: checkRequest(request) };
}

function parseObject(value: Record<string, unknown>, readUntyped: ReadUntyped | undefined): ParsedFrame {
  // The plan's own frame has no type; it is a start whose id the relay makes.
  if (!Object.hasOwn(value, 'type') && (readUntyped !== undefined || Object.hasOwn(value, 'messages')))
    return parseUntyped(value, readUntyped ?? parseHttpRequest);
  const type = value['type'];
  if (typeof type !== 'string' || !Object.hasOwn(clientFrames, type)) {
    return { error: badRequest(`a frame has a type, one of ${Object.keys(clientFrames).join(', ')}`) };
  }
  try {
    const schema: z.ZodType<unknown> = clientFrames[type as ClientFrame['type']];
    const frame = checkShape(schema, value) as ClientFrame;
    return { frame: frame.type === 'start' ? checkRequest(frame) : frame };
  } catch (error) {
    return { error: RelayError.from(error), ...addressee(type, value['id']) };
  }
}

function parseUntyped(value: Record<string, unknown>, read: ReadUntyped): ParsedFrame {
  try {
    const { id, request } = read(value);
    return { frame: { type: 'start', id, ...request } };
  } catch (error) {
    return { error: RelayError.from(error), ...addressee('start', value['id']) };
  }
}

/** The `id` and `of` of the answer: both, or, where the frame has no readable id, neither. */
function addressee(type: string, value: unknown): { id?: string; of?: NonNullable<ErrorFrame['of']> } {
  const known = streamId.safeParse(value);
  if (!known.success || type === 'auth' || type === 'ping' || type === 'watch') return {};
  return { id: known.data, of: type as NonNullable<ErrorFrame['of']> };
}

type Unchecked = Omit<StreamRequest, 'messages' | 'context' | 'parameters'> & {
  readonly messages: readonly unknown[];
  readonly context?: unknown;
  readonly parameters?: unknown;
};

/** What the schema is not asked. */
function checkRequest<T extends Unchecked>(request: T): T & StreamRequest {
  const messages = checkMessages(request.messages);
  if (!messages.some((each) => each.role === 'user'))
    throw badRequest('messages: at least one is of role user');
  if (request.context !== undefined) checkContext(request.context);
  if (request.parameters !== undefined) checkParameters(request.parameters);
  return { ...request, messages } as T & StreamRequest;
}

function checkMessages(values: readonly unknown[]): Message[] {
  let blocks = 0;
  let uploads = 0;
  return values.map((value, index) => {
    const path = `messages.${index}.`;
    const { role, content: given } = checkShape(message, value, path);
    if (typeof given !== 'string') blocks += blocksIn(given, path);
    if (blocks > MAX_BLOCKS) throw badRequest(`messages: at most ${MAX_BLOCKS} blocks in all`);
    const content = given as Message['content'];
    checkContent(content, path);
    const own = uploadsIn(content);
    uploads += own;
    if (own > 0 && role !== 'user') throw badRequest(`${path}content: uploads are of role user`);
    if (uploads > MAX_UPLOADS) throw badRequest(`messages: at most ${MAX_UPLOADS} uploads in all`);
    return { role, content };
  });
}

function uploadsIn(content: Message['content']): number {
  if (typeof content === 'string') return 0;
  return content.reduce((sum, block) => sum + Number(isUploaded(block)), 0);
}

function blocksIn(content: unknown, path: string): number {
  if (!Array.isArray(content) || content.length === 0) throw noContent(path);
  return content.length;
}

function checkContent(content: Message['content'], path: string): void {
  if (content === '') throw noContent(path);
  if (typeof content !== 'string') for (const block of content) checkBlock(block, path);
  const isAllBlank = typeof content === 'string' ? isBlank(content) : content.every(isBlankBlock);
  if (isAllBlank) throw badRequest(`${path}content: nothing but white space; leave this message out`);
}

function noContent(path: string): RelayError {
  return badRequest(`${path}content: a non-empty string or a list of blocks`);
}

/** Unknown blocks and unknown fields of known ones are `unsupported`; wrong values in the right place `bad_request`. */
function checkBlock(block: unknown, path: string): void {
  const { type, source } = (block ?? {}) as { type?: unknown; source?: { type?: unknown } };
  if (typeof type !== 'string') throw noContent(path);
  const schema = schemaOf(type, source?.type);
  if (schema === undefined || hasTooManyFields(block) || hasTooManyFields(source)) throw unsupportedBlock();
  const { success, error } = schema.safeParse(block);
  if (success) return;
  const foreign =
    (schema === imageBlock && source?.type !== 'base64') ||
    error.issues.some((issue) => issue.code === 'unrecognized_keys');
  throw foreign ? unsupportedBlock() : badRequest(`messages: ${explain(error)}`);
}

function schemaOf(type: string, source: unknown): z.ZodType<unknown> | undefined {
  if (type === 'text') return textBlock;
  if (source === 'upload' && (type === 'image' || type === 'document')) return uploadedBlock;
  return type === 'image' ? imageBlock : undefined;
}

function unsupportedBlock(): RelayError {
  return new RelayError(
    'unsupported',
    'messages: only text blocks, base64 image blocks and uploads are supported',
  );
}

/** A blank block beside others is left out before the model is asked; a message of nothing else cannot be. */
function isBlankBlock(block: MessageBlock): boolean {
  return block.type === 'text' && isBlank(block.text);
}

function checkContext(context: unknown): void {
  const isRecord = typeof context === 'object' && context !== null && !Array.isArray(context);
  if (typeof context !== 'string' && !isRecord) throw badRequest('context: a string or an object');
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
