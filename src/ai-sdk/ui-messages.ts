/**
 * UI messages of the AI SDK as messages of a request. What the model is to hear of a message is its text and its files; what the
 * relay itself told of an answer (what was thought, calls of tools, steps, metadata) is left out when it comes back.
 */
import type { DocumentBlock, ImageBlock, ImageMediaType, MessageBlock } from '../protocol/frames.ts';
import { RelayError } from '../protocol/relay-error.ts';

/** As `messages` of a request; what its blocks hold is for the parser of requests to say. */
export interface ReadMessage {
  readonly role: 'user' | 'assistant';
  readonly content: string | readonly MessageBlock[];
}

type Fields = Readonly<Record<string, unknown>>;

/**
 * @param value `messages` of a chat: a list of `{id, role, parts, metadata?}`
 * @throws RelayError bad_request or unsupported, naming the message by its place
 */
export function messagesOf(value: unknown): readonly ReadMessage[] {
  if (!Array.isArray(value)) throw new RelayError('bad_request', 'messages: a list of UI messages');
  return value.flatMap((message, index) => messageOf(message, `messages.${index}`));
}

/** None of an answer that has no text: it was stopped or failed before the first of it, or is to be discarded. */
function messageOf(value: unknown, at: string): readonly ReadMessage[] {
  const { role, parts, metadata } = fieldsOf(value, at);
  if (role === 'system') throw systemMessage(at);
  if (role !== 'user' && role !== 'assistant')
    throw new RelayError('bad_request', `${at}.role: user or assistant`);
  if (!Array.isArray(parts)) throw new RelayError('bad_request', `${at}.parts: a list of parts`);
  const fields = parts.map((part, index) => fieldsOf(part, `${at}.parts.${index}`));
  if (role === 'assistant') return isDiscarded(metadata) ? [] : answer(fields, at);
  const blocks = fields.flatMap((part) => blocksOf(part, at));
  const [first] = blocks;
  if (first === undefined) throw new RelayError('bad_request', `${at}: no text and no file`);
  return [{ role, content: blocks.length === 1 && first.type === 'text' ? first.text : blocks }];
}

/** One text, as it was said. */
function answer(parts: readonly Fields[], at: string): readonly ReadMessage[] {
  const content = parts.map((part) => answerText(part, at)).join('');
  return content.trim() === '' ? [] : [{ role: 'assistant', content }];
}

function answerText(part: Fields, at: string): string {
  if (part['type'] === 'file')
    throw new RelayError('unsupported', `${at}: files are of messages of role user`);
  return textOf(part, at) ?? '';
}

function blocksOf(part: Fields, at: string): readonly MessageBlock[] {
  if (part['type'] === 'file') return [fileBlock(part, at)];
  const text = textOf(part, at);
  return text === undefined || text === '' ? [] : [{ type: 'text', text }];
}

/** Parts of which the model hears nothing. */
const SILENT: ReadonlySet<string> = new Set([
  'reasoning',
  'reasoning-file',
  'step-start',
  'source-url',
  'source-document',
  'custom',
]);

/** Undefined for a part of which the model hears nothing. */
function textOf(part: Fields, at: string): string | undefined {
  const { type, text } = part;
  if (typeof type !== 'string') throw new RelayError('bad_request', `${at}: each part has a type`);
  if (type === 'text') {
    if (typeof text !== 'string') throw new RelayError('bad_request', `${at}: a text part has its text`);
    return text;
  }
  if (isTool(type)) requireOwnTool(part, at);
  else if (!SILENT.has(type) && !type.startsWith('data-'))
    throw new RelayError('unsupported', `${at}: only text and file parts are read`);
  return undefined;
}

function isTool(type: string): boolean {
  return type === 'dynamic-tool' || type.startsWith('tool-');
}

/** A call that the client was to answer: no tool of this server's asks for that. */
function requireOwnTool(part: Fields, at: string): void {
  if (part['providerExecuted'] === true) return;
  throw new RelayError(
    'unsupported',
    `${at}: tools of the client are not served; tools run at the server, where an action of its actions file names them`,
  );
}

function systemMessage(at: string): RelayError {
  return new RelayError(
    'bad_request',
    `${at}: system prompts belong to the server; write it as an action of its actions file, and name that as \`action\` in the body of the transport`,
  );
}

/** The text ahead of a refusal, which is not to be sent again. */
function isDiscarded(metadata: unknown): boolean {
  const { refusal } = (metadata ?? {}) as { readonly refusal?: { readonly partial?: unknown } | null };
  return refusal?.partial === true;
}

const UPLOAD = /^upload:([A-Za-z0-9_-]{1,64})$/;
const DATA_URL = /^data:([a-z]+\/[a-z0-9.+-]+);base64,/i;
const IMAGES: Readonly<Record<string, ImageMediaType>> = {
  'image/jpeg': 'image/jpeg',
  'image/jpg': 'image/jpeg', // no such type, and what some pickers say
  'image/png': 'image/png',
  'image/gif': 'image/gif',
  'image/webp': 'image/webp',
};

/** An image as a data URL, or a file that was sent ahead, by `upload:<id>`. */
function fileBlock({ url, mediaType }: Fields, at: string): ImageBlock | DocumentBlock {
  if (typeof url !== 'string' || typeof mediaType !== 'string')
    throw new RelayError('bad_request', `${at}: a file part has a url and a mediaType`);
  const [, id] = UPLOAD.exec(url) ?? [];
  if (id !== undefined) {
    const type = mediaType === 'application/pdf' ? 'document' : 'image';
    return { type, source: { type: 'upload', id } };
  }
  const [head, named = ''] = DATA_URL.exec(url.slice(0, LONGEST_HEAD)) ?? [];
  const type = named.toLowerCase();
  const media_type = Object.hasOwn(IMAGES, type) ? IMAGES[type] : undefined;
  if (head === undefined || media_type === undefined) throw unservedFile(at);
  return { type: 'image', source: { type: 'base64', media_type, data: url.slice(head.length) } };
}

/** Of a data URL ahead of its data. */
const LONGEST_HEAD = 100;

function unservedFile(at: string): RelayError {
  return new RelayError(
    'unsupported',
    `${at}: a file is a JPEG, PNG, GIF or WebP as a data URL in base64, or one that was sent ahead by POST /v1/uploads, as upload:<id>`,
  );
}

function fieldsOf(value: unknown, at: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new RelayError('bad_request', `${at}: an object`);
  return value as Fields;
}
