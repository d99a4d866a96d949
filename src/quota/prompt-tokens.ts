/**
 * The most tokens a prompt can be, without asking the model's tokenizer: a token covers at least one byte, so the bytes
 * are a bound that no text can break. About four times what plain English takes; the surplus is given back at the end.
 */
import type { Message } from '../protocol/frames.ts';

/** What the API adds around a request and around each message; measured below 10, kept with room. */
const TOKENS_PER_REQUEST = 64;
const TOKENS_PER_MESSAGE = 16;
/** The API scales larger images down; the models with the largest ones take 4,784 tokens. */
const TOKENS_PER_IMAGE = 5000;

export function promptTokensAtMost(prompt: {
  readonly system: string;
  readonly messages: readonly Message[];
}): number {
  let tokens = TOKENS_PER_REQUEST + Buffer.byteLength(prompt.system);
  for (const { content } of prompt.messages) tokens += TOKENS_PER_MESSAGE + contentTokens(content);
  return tokens;
}

function contentTokens(content: Message['content']): number {
  if (typeof content === 'string') return Buffer.byteLength(content);
  let tokens = 0;
  for (const block of content)
    tokens += block.type === 'text' ? Buffer.byteLength(block.text) : TOKENS_PER_IMAGE;
  return tokens;
}
