/** What a chat of the AI SDK asks for, as the fields of a `start`. */
import { requireFewFields } from '../protocol/check-shape.ts';
import { RelayError } from '../protocol/relay-error.ts';
import { messagesOf } from './ui-messages.ts';

/** What the relay's own `start` has beside its messages. */
type Fields = Readonly<Record<string, unknown>>;

export interface ChatRequest {
  readonly chatId: string;
  /** For the parser of requests: what it holds is not looked at here. */
  readonly request: Fields;
}

/** Longest id of a chat, UTF-16 code units. */
export const MAX_CHAT_ID = 256;

/** Fields that the server alone decides about, by the names under which apps send them. */
const OF_THE_SERVER: Readonly<Record<string, string>> = {
  system: 'system prompts belong to the server; write it as an action of its actions file',
  instructions: 'system prompts belong to the server; write it as an action of its actions file',
  tools: 'tools run at the server, where an action of its actions file names them',
  events: 'answers come as text at this route',
};
/** Of the relay's `start`, and none of the app's to send here. */
const NOT_OF_A_BODY: ReadonlySet<string> = new Set(['id', 'messages', 'type']);

/**
 * @param body what the app adds by `body` of its transport or of a call: `action`, `parameters`, `context`, `model`, `maxTokens`,
 * `onDisconnect` and `notify` of a `start`
 * @param messages UI messages
 * @throws RelayError bad_request, unsupported
 */
export function chatRequestOf(chatId: unknown, messages: unknown, body: Fields): ChatRequest {
  requireFewFields(body, 'body: ');
  for (const name of Object.keys(body)) {
    if (Object.hasOwn(OF_THE_SERVER, name))
      throw new RelayError('bad_request', `body.${name}: ${OF_THE_SERVER[name]}`);
    if (NOT_OF_A_BODY.has(name)) throw new RelayError('bad_request', `body.${name}: not a field of a body`);
  }
  if (typeof body['action'] !== 'string')
    throw new RelayError('bad_request', 'action: name one in the body of the transport: body: {action}');
  return { chatId: chatIdOf(chatId), request: { ...body, messages: messagesOf(messages) } };
}

/** @throws RelayError bad_request */
export function chatIdOf(value: unknown): string {
  if (typeof value === 'string' && value !== '' && value.length <= MAX_CHAT_ID) return value;
  throw new RelayError('bad_request', `id: the id of a chat, a text of ${MAX_CHAT_ID} characters at most`);
}

/**
 * Reads the body of `DefaultChatTransport`, where the app's own fields stand beside those of the library.
 * @throws RelayError bad_request, unsupported
 */
export function readChatBody(value: unknown): ChatRequest {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new RelayError('bad_request', 'the body is a JSON object');
  requireFewFields(value);
  const { id, messages, trigger, messageId: _, ...body } = value as Fields;
  requireTrigger(trigger);
  return chatRequestOf(id, messages, body);
}

/** What made the library ask; absent from other clients. @throws RelayError bad_request */
export function requireTrigger(trigger: unknown): void {
  if (trigger === undefined || trigger === 'submit-message' || trigger === 'regenerate-message') return;
  throw new RelayError('bad_request', 'trigger: submit-message or regenerate-message');
}
