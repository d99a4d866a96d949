/** Old bodies' messages, history, question and images as the messages of a request. */
import type { ImageBlock, TextBlock } from '../protocol/frames.ts';
import { RelayError } from '../protocol/relay-error.ts';
import { type Fields, fieldsOf, valueIn } from './fields.ts';
import { imageOf } from './images.ts';

/** As `messages` of a request; what its blocks hold is for the parser of requests to say. */
export interface OldMessage {
  readonly role: unknown;
  readonly content: unknown;
}

/** Block types of a conversation in which a client ran tools. */
const OF_TOOLS: ReadonlySet<unknown> = new Set(['tool_use', 'tool_result']);

/** The messages of a list, without those of role `system`, which no old function passed to the model as they came. */
export function messagesIn(fields: Fields, name: string): readonly OldMessage[] {
  const value = valueIn(fields, name) ?? [];
  if (!Array.isArray(value)) throw new RelayError('bad_request', `${name}: a list of messages`);
  return value
    .map((message) => fieldsOf(message, name))
    .filter((message) => roleOf(message) !== 'system')
    .map((message) => ({ role: roleOf(message), content: contentOf(valueIn(message, 'content')) }));
}

/** Whether a list of messages has what a client's own tool said. */
export function mentionsTools(fields: Fields, name: string): boolean {
  const value = valueIn(fields, name);
  return Array.isArray(value) && value.some(isOfTool);
}

/** @param question the last message, with the images; absent where the conversation ends with it already */
export function conversationOf(
  history: readonly OldMessage[],
  question: string | undefined,
  images: readonly ImageBlock[],
): readonly OldMessage[] {
  if (question !== undefined)
    return [
      ...history,
      { role: 'user', content: images.length === 0 ? question : [...images, text(question)] },
    ];
  if (images.length === 0) return history;
  const last = history.at(-1);
  if (last?.role !== 'user') return [...history, { role: 'user', content: [...images, text(WITHOUT_WORDS)] }];
  const content = typeof last.content === 'string' ? [text(last.content)] : last.content;
  if (!Array.isArray(content)) return history;
  return history.with(-1, { role: 'user', content: [...images, ...content] });
}

/** What is asked of an image that came alone. */
const WITHOUT_WORDS = 'Say what this picture shows, and what can be learned from it.';

/** The app's stored messages say `type` where others say `role`. */
function roleOf(message: Fields): unknown {
  return valueIn(message, 'role') ?? valueIn(message, 'type');
}

function contentOf(content: unknown): unknown {
  return Array.isArray(content) ? content.map(blockOf) : (content ?? '');
}

/** `image_url` with a data URL is how one version of the app sent pictures. */
function blockOf(block: unknown): unknown {
  const { type, image_url: image } = (block ?? {}) as { type?: unknown; image_url?: { url?: unknown } };
  const url = image?.url;
  return type === 'image_url' && typeof url === 'string' && url.startsWith('data:') ? imageOf(url) : block;
}

function isOfTool(message: unknown): boolean {
  const { role, content } = (message ?? {}) as { role?: unknown; content?: unknown };
  if (role === 'tool') return true;
  return Array.isArray(content) && content.some((block) => OF_TOOLS.has((block as Fields | null)?.['type']));
}

function text(content: string): TextBlock {
  return { type: 'text', text: content };
}
