/**
 * AG-UI's messages as messages of a request. What the model is to hear of a message is its text and its images; what the relay
 * itself told of an answer (what was thought, calls of tools) is left out when it comes back.
 */
import type { DocumentBlock, ImageBlock, ImageMediaType, MessageBlock } from '../protocol/frames.ts';
import { RelayError } from '../protocol/relay-error.ts';
import { OF_RELAY } from './events.ts';

/** As `messages` of a request; what its blocks hold is for the parser of requests to say. */
export interface ReadMessage {
  readonly role: 'user' | 'assistant';
  readonly content: string | readonly MessageBlock[];
}

export type Fields = Readonly<Record<string, unknown>>;

/** What a client holds of an answer that it asks for again. */
export interface HeldAnswer {
  /** UTF-16 code units of its text; 0: none. */
  readonly units: number;
  /** Of the run that said them, where the client has kept that. */
  readonly epoch: string | undefined;
}

export interface ReadMessages {
  readonly messages: readonly ReadMessage[];
  readonly held: HeldAnswer;
}

/**
 * @param value `messages` of a run: a list of `{id, role, content}`
 * @param streamId of that run: its own messages are not part of the question, but say how much of the answer is held
 * @throws RelayError bad_request or unsupported, naming the message by its place
 */
export function messagesOf(value: unknown, streamId: string): ReadMessages {
  if (!Array.isArray(value)) throw bad('messages: a list of messages');
  let held: HeldAnswer = { units: 0, epoch: undefined };
  const messages = value.flatMap((message: unknown, index) => {
    const fields = fieldsOf(message, `messages.${index}`);
    if (fields['id'] !== streamId) return messageOf(fields, `messages.${index}`);
    held = heldIn(fields);
    return [];
  });
  return { messages, held };
}

function heldIn({ content, metadata }: Fields): HeldAnswer {
  const { epoch } = ofRelay(metadata);
  return {
    units: typeof content === 'string' ? content.length : 0,
    epoch: typeof epoch === 'string' ? epoch : undefined,
  };
}

/** None of what the model hears nothing of. */
function messageOf(message: Fields, at: string): readonly ReadMessage[] {
  const { role, content } = message;
  switch (role) {
    case 'user':
      return [{ role, content: typeof content === 'string' ? content : blocksOf(content, at) }];
    case 'assistant':
      return answer(message, at);
    case 'reasoning':
    case 'activity':
      return [];
    case 'system':
    case 'developer':
      throw bad(
        `${at}: ${role} messages belong to the server; write them as the \`system\` of an action of its actions file, and name that as \`forwardedProps.action\``,
      );
    case 'tool':
      throw clientTools(at);
    default:
      throw bad(`${at}.role: user or assistant`);
  }
}

/** None of an answer that has no text: it was stopped or failed before the first of it, or is to be discarded. */
function answer({ content, toolCalls, metadata }: Fields, at: string): readonly ReadMessage[] {
  if (Array.isArray(toolCalls) && toolCalls.length > 0) throw clientTools(at);
  if (isAbsent(content)) return [];
  if (typeof content !== 'string') throw bad(`${at}.content: a text`);
  if (content.trim() === '' || isDiscarded(metadata)) return [];
  return [{ role: 'assistant', content }];
}

export function clientTools(at: string): RelayError {
  return new RelayError(
    'unsupported',
    `${at}: tools of the client are not served; tools run at the server, where an action of its actions file names them`,
  );
}

function isDiscarded(metadata: unknown): boolean {
  const { refusal } = ofRelay(metadata);
  return (refusal as { readonly partial?: unknown } | null | undefined)?.partial === true;
}

/** What the relay wrote beside a message, as it came back. */
function ofRelay(metadata: unknown): Fields {
  const { [OF_RELAY]: own } = (metadata ?? {}) as Fields;
  return (own ?? {}) as Fields;
}

function blocksOf(content: unknown, at: string): readonly MessageBlock[] {
  if (!Array.isArray(content)) throw bad(`${at}.content: a text or a list of parts`);
  return content.map((part: unknown, index) => blockOf(fieldsOf(part, `${at}.content.${index}`), at));
}

function blockOf(part: Fields, at: string): MessageBlock {
  const { type, text, source } = part;
  if (type === 'text') {
    if (typeof text !== 'string') throw bad(`${at}: a text part has its text`);
    return { type, text };
  }
  if (type === 'image' || type === 'document') return fileBlock(type, fieldsOf(source, `${at}: source`), at);
  if (typeof type !== 'string') throw bad(`${at}: each part has a type`);
  throw unserved(at);
}

const IMAGES: ReadonlySet<unknown> = new Set<ImageMediaType>([
  'image/jpeg',
  'image/png',
  'image/gif',
  'image/webp',
]);
const PROVIDER = 'dash-relay';

/** An image inline, or a file that was sent ahead, by the handle that the relay gave it. */
function fileBlock(type: 'image' | 'document', source: Fields, at: string): ImageBlock | DocumentBlock {
  const { type: from, value, mimeType, provider } = source;
  if (typeof value !== 'string') throw bad(`${at}: a source has its value`);
  if (from === 'file' && (isAbsent(provider) || provider === PROVIDER))
    return { type, source: { type: 'upload', id: value } };
  if (from !== 'data' || type !== 'image' || !IMAGES.has(mimeType)) throw unserved(at);
  return { type, source: { type: 'base64', media_type: mimeType as ImageMediaType, data: value } };
}

function unserved(at: string): RelayError {
  return new RelayError(
    'unsupported',
    `${at}: a part is text, an image with a source of type data (JPEG, PNG, GIF or WebP), or an image or document that was sent ahead by POST /v1/uploads, with a source of type file and its id as value`,
  );
}

/** Clients in Python, Kotlin and C# write what a field may lack as null. */
export function isAbsent(value: unknown): value is undefined | null {
  return value === undefined || value === null;
}

export function fieldsOf(value: unknown, at: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw bad(`${at}: an object`);
  return value as Fields;
}

export function bad(message: string): RelayError {
  return new RelayError('bad_request', message);
}
