/**
 * Reads and judges a request as the real API does, so that a mistake of ours shows up here first.
 * Errors name the field at fault, never what it holds.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { isBlank, refusesPrefill } from '../protocol/model-rules.ts';
import { ApiError } from './api-error.ts';
import { isScriptedModel } from './behaviour.ts';
import { countInputTokens } from './tokens.ts';

export interface MessagesRequest {
  readonly model: string;
  readonly maxTokens: number;
  readonly stream: boolean;
  readonly thinking: boolean;
  /** Name of the first tool offered. */
  readonly tool: string | null;
  /** `metadata.user_id`. */
  readonly userHash: string | null;
  /** The last text of the last user message: what the answer is about. */
  readonly question: string;
  readonly inputTokens: number;
}

const FIELDS = [
  'model',
  'messages',
  'max_tokens',
  'metadata',
  'stop_sequences',
  'stream',
  'system',
  'temperature',
  'thinking',
  'tool_choice',
  'tools',
  'top_k',
  'top_p',
  'service_tier',
  'container',
  'context_management',
  'mcp_servers',
  'output_config',
  'output_format',
  'cache_control',
  'inference_geo',
] as const;
const KNOWN = new Set<string>(FIELDS);
const MAX_OUTPUT_TOKENS = 128_000;
const IMAGE_TOKENS = 1_500;
/** With `between_tools` nothing is thought before an answer without tools. */
const THINKING_TYPES: ReadonlySet<unknown> = new Set(['adaptive', 'enabled']);

/** A JSON object of which nothing is known but the names that are read here. */
type Fields = {
  readonly [name in
    | (typeof FIELDS)[number]
    | 'type'
    | 'role'
    | 'content'
    | 'text'
    | 'name'
    | 'user_id']?: unknown;
};

/** @throws ApiError `authentication_error` or `invalid_request_error` */
export function checkHeaders(headers: IncomingHttpHeaders): void {
  checkKey(headers);
  if (!headers['content-type']?.startsWith('application/json')) {
    throw invalid('content-type: must be application/json');
  }
}

/** @throws ApiError `authentication_error` or `invalid_request_error` */
export function checkKey(headers: IncomingHttpHeaders): void {
  if (!headers['x-api-key'] && !headers.authorization) {
    throw new ApiError('authentication_error', 'x-api-key header is required');
  }
  if (!headers['anthropic-version']) throw invalid('anthropic-version: header is required');
}

/**
 * @param counting for `/count_tokens`, which asks no `max_tokens`
 * @throws ApiError `invalid_request_error` or `not_found_error`
 */
export function readMessagesRequest(
  json: string,
  counting: boolean,
): { request: MessagesRequest; body: Fields } {
  const body = parse(json);
  for (const field of Object.keys(body)) {
    if (!KNOWN.has(field)) throw invalid(`${field.slice(0, 64)}: Extra inputs are not permitted`);
  }
  const { stream } = body;
  if (stream !== undefined && typeof stream !== 'boolean')
    throw invalid('stream: Input should be a valid boolean');
  const model = readModel(body.model);
  const messages = readMessages(body.messages, model);
  const request: MessagesRequest = {
    model,
    maxTokens: counting ? 0 : readMaxTokens(body.max_tokens),
    stream: stream === true,
    thinking: isFields(body.thinking) && THINKING_TYPES.has(body.thinking.type),
    tool: readTool(body.tools),
    userHash: readUserId(body.metadata),
    question: messages.question,
    inputTokens: messages.tokens + countInputTokens(readSystem(body.system)),
  };
  return { request, body };
}

function invalid(message: string): ApiError {
  return new ApiError('invalid_request_error', message);
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parse(json: string): Fields {
  try {
    const body: unknown = JSON.parse(json);
    if (isFields(body)) return body;
  } catch {
    throw invalid('The request body is not valid JSON.');
  }
  throw invalid('Input should be a valid dictionary');
}

function readModel(model: unknown): string {
  if (model === undefined) throw invalid('model: Field required');
  if (typeof model !== 'string' || model === '') throw invalid('model: Input should be a valid string');
  if (!model.startsWith('claude-') && !isScriptedModel(model)) {
    throw new ApiError('not_found_error', `model: ${model.slice(0, 64)}`);
  }
  return model;
}

function readMaxTokens(value: unknown): number {
  if (value === undefined) throw invalid('max_tokens: Field required');
  if (typeof value !== 'number' || !Number.isInteger(value))
    throw invalid('max_tokens: Input should be a valid integer');
  if (value < 1) throw invalid('max_tokens: Input should be greater than or equal to 1');
  if (value > MAX_OUTPUT_TOKENS) {
    throw invalid(
      `max_tokens: ${value} > ${MAX_OUTPUT_TOKENS}, which is the maximum allowed number of output tokens`,
    );
  }
  return value;
}

function readUserId(metadata: unknown): string | null {
  if (metadata === undefined) return null;
  const id = isFields(metadata) ? metadata.user_id : undefined;
  if (id === undefined || id === null) return null;
  if (typeof id !== 'string' || id.length > 256)
    throw invalid('metadata.user_id: Input should be a valid string of at most 256 characters');
  return id;
}

function readTool(tools: unknown): string | null {
  const first: unknown = Array.isArray(tools) ? tools[0] : undefined;
  return isFields(first) && typeof first.name === 'string' ? first.name : null;
}

function readSystem(system: unknown): string {
  if (system === undefined) return '';
  return typeof system === 'string' ? wellFormed(system, 'system') : readContent(system, 'system').text;
}

function readMessages(messages: unknown, model: string): { question: string; tokens: number } {
  if (messages === undefined) throw invalid('messages: Field required');
  if (!Array.isArray(messages)) throw invalid('messages: Input should be a valid list');
  if (messages.length === 0) throw invalid('messages: at least one message is required');
  let question = '';
  let tokens = 0;
  for (const [i, message] of messages.entries()) {
    const at = `messages.${i}`;
    if (!isFields(message)) throw invalid(`${at}: Input does not match the expected shape.`);
    const { role } = message;
    if (role !== 'user' && role !== 'assistant')
      throw invalid(`${at}.role: Input should be 'user' or 'assistant'`);
    if (i === 0 && role !== 'user') throw invalid('messages: first message must use the "user" role');
    const content = readContent(message.content, at);
    if (role === 'assistant' && i === messages.length - 1) checkPrefill(content.last, model);
    if (role === 'user') question = content.last;
    tokens += 4 + countInputTokens(content.text) + content.images * IMAGE_TOKENS;
  }
  return { question, tokens };
}

function checkPrefill(words: string, model: string): void {
  if (refusesPrefill(model))
    throw invalid(
      'This model does not support assistant message prefill. The conversation must end with a user message.',
    );
  if (words !== words.trimEnd())
    throw invalid('messages: final assistant content cannot end with trailing whitespace');
}

/** All text, its last block, and the number of images. Blocks of other types pass unread. */
function readContent(content: unknown, at: string): { text: string; last: string; images: number } {
  if (typeof content === 'string') {
    if (content === '') throw invalid(`${at}: user messages must have non-empty content`);
    if (isBlank(content)) throw blank();
    return { text: wellFormed(content, at), last: content, images: 0 };
  }
  if (!Array.isArray(content) || content.length === 0)
    throw invalid(`${at}.content: Input should be a valid list`);
  const read = { text: '', last: '', images: 0 };
  for (const block of content as readonly unknown[]) {
    if (!isFields(block) || typeof block.type !== 'string')
      throw invalid(`${at}.content: Input does not match the expected shape.`);
    if (block.type === 'image') read.images += 1;
    if (block.type !== 'text') continue;
    if (typeof block.text !== 'string' || block.text === '')
      throw invalid(`${at}: text content blocks must be non-empty`);
    read.last = wellFormed(block.text, at);
    read.text += read.last;
  }
  if (read.text !== '' && isBlank(read.text)) throw blank();
  return read;
}

/** One block of words is enough. */
function blank(): ApiError {
  return invalid('messages: text content blocks must contain non-whitespace text');
}

/** The real API rejects lone surrogates. */
function wellFormed(text: string, at: string): string {
  if (!text.isWellFormed()) throw invalid(`${at}: str is not valid UTF-8: surrogates not allowed`);
  return text;
}
