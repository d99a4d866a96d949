/** Reads the prompt of a request into the blocks that a cache compares: tools, then system, then messages. */
import { isBlank } from '../../protocol/model-rules.ts';
import { countInputTokens } from '../tokens.ts';
import { type Lifetime, readCacheControl, withMarks } from './cache-control.ts';
import { type Fields, invalid, isFields } from './fields.ts';

export interface PromptBlock {
  readonly section: 'tools' | 'system' | 'messages';
  /** All that the model sees of it. */
  readonly content: string;
  readonly tokens: number;
  /** False for what was thought. */
  readonly isCacheable: boolean;
  /** The prompt is to be cached up to here, for so long. */
  readonly mark: Lifetime | null;
}

export interface Prompt {
  readonly blocks: readonly PromptBlock[];
  readonly tokens: number;
  /** The last text of the last user message but for an app's data: what the answer is about. */
  readonly question: string;
}

/** An image or a document, whatever its size. */
const MEDIUM_TOKENS = 1_500;
/** What marks where a message begins and who speaks. */
const MESSAGE_TOKENS = 4;
/** How a block begins that holds data for a question, as the relay puts it after one. */
const CONTEXT = '<context ';
const MEDIA: ReadonlySet<unknown> = new Set(['image', 'document']);
const THOUGHT: ReadonlySet<unknown> = new Set(['thinking', 'redacted_thinking']);

export interface PromptRules {
  /** Of the model: tokens of the same text, against the older tokenizer. */
  readonly tokenFactor: number;
  /** Whether a message may have the role `system`. */
  readonly systemMessages: boolean;
  /** By the API's version 2026-10-21. */
  readonly isStrict: boolean;
}

/** @throws ApiError `invalid_request_error` */
export function readPrompt(body: Fields, rules: PromptRules): Prompt {
  const reader = new PromptReader(rules);
  reader.tools(body.tools);
  reader.system(body.system);
  const question = reader.messages(body.messages);
  const blocks = withMarks(reader.blocks, readCacheControl(body, ''));
  return { blocks, tokens: blocks.reduce((sum, { tokens }) => sum + tokens, 0), question };
}

/** Who ends the conversation, and with which words. */
export function lastMessage({ messages }: Fields): { readonly role: unknown; readonly words: string } {
  const last: unknown = Array.isArray(messages) ? messages.at(-1) : undefined;
  if (!isFields(last)) return { role: undefined, words: '' };
  return { role: last.role, words: lastWords(last.content) };
}

class PromptReader {
  readonly blocks: PromptBlock[] = [];
  readonly #rules: PromptRules;

  constructor(rules: PromptRules) {
    this.#rules = rules;
  }

  tools(tools: unknown): void {
    if (tools === undefined) return;
    if (!Array.isArray(tools)) throw invalid('tools: Input should be a valid list');
    for (const [i, tool] of tools.entries()) {
      if (!isFields(tool)) throw invalid(`tools.${i}: Input does not match the expected shape.`);
      const seen = { section: 'tools', content: plainJson(tool), tokens: this.#tokensOf(tool) } as const;
      this.#add(tool, seen, `tools.${i}.`);
    }
  }

  system(system: unknown): void {
    if (system !== undefined) this.#content('system', system, 'system');
  }

  /** Returns the question. */
  messages(messages: unknown): string {
    if (messages === undefined) throw invalid('messages: Field required');
    if (!Array.isArray(messages)) throw invalid('messages: Input should be a valid list');
    if (messages.length === 0) throw invalid('messages: at least one message is required');
    let question = '';
    for (const [i, message] of messages.entries()) {
      const at = `messages.${i}`;
      if (!isFields(message)) throw invalid(`${at}: Input does not match the expected shape.`);
      const role = this.#role(message.role, at);
      if (i === 0 && role !== 'user') throw invalid('messages: first message must use the "user" role');
      this.#content('messages', message.content, at, role);
      if (role === 'user' && !answersTools(message.content)) question = lastWords(message.content);
    }
    return question;
  }

  #role(role: unknown, at: string): string {
    if (role === 'user' || role === 'assistant') return role;
    if (role === 'system' && this.#rules.systemMessages) return role;
    throw invalid(`${at}.role: Input should be 'user' or 'assistant'`);
  }

  /** A text is short for one block of it. */
  #content(section: PromptBlock['section'], content: unknown, at: string, role = ''): void {
    if (content === '') throw invalid(`${at}: user messages must have non-empty content`);
    const blocks: unknown = typeof content === 'string' ? [{ type: 'text', text: content }] : content;
    if (!Array.isArray(blocks) || blocks.length === 0)
      throw invalid(`${at}.content: Input should be a valid list`);
    let words = '';
    for (const [i, block] of blocks.entries()) {
      if (!isFields(block) || typeof block.type !== 'string')
        throw invalid(`${at}.content: Input does not match the expected shape.`);
      if (this.#rules.isStrict) checkStrictly(block, role, at);
      const text = block.type === 'text' ? readText(block.text, at) : undefined;
      words += text ?? '';
      const tokens = this.#tokensOf(block, text) + (i === 0 && role !== '' ? MESSAGE_TOKENS : 0);
      const seen = { section, content: `${role} ${text ?? plainJson(block)}`, tokens };
      this.#add(block, seen, `${at}.content.${i}.`);
    }
    if (words !== '' && isBlank(words))
      throw invalid('messages: text content blocks must contain non-whitespace text');
  }

  #tokensOf(block: Fields, text = plainJson(block)): number {
    return MEDIA.has(block.type) ? MEDIUM_TOKENS : countInputTokens(text, this.#rules.tokenFactor);
  }

  #add(block: Fields, seen: Pick<PromptBlock, 'section' | 'content' | 'tokens'>, at: string): void {
    const isCacheable = !THOUGHT.has(block.type);
    const mark = readCacheControl(block, at);
    if (mark !== null && !isCacheable) throw invalid(`${at}cache_control: Extra inputs are not permitted`);
    this.blocks.push({ ...seen, isCacheable, mark });
  }
}

/** What the versions before took. */
function checkStrictly(block: Fields, role: string, at: string): void {
  if (role === 'assistant' && block.type === 'document')
    throw invalid(`${at}.content: a document is not permitted in an assistant message`);
  const { citations } = block;
  if (role === 'user' && block.type === 'text' && Array.isArray(citations) && citations.length > 0)
    throw invalid(`${at}.content: citations are not permitted in a user message`);
}

/** The real API rejects lone surrogates. */
function readText(text: unknown, at: string): string {
  if (typeof text !== 'string' || text === '') throw invalid(`${at}: text content blocks must be non-empty`);
  if (!text.isWellFormed()) throw invalid(`${at}: str is not valid UTF-8: surrogates not allowed`);
  return text;
}

/** What a tool said is no question. */
function answersTools(content: unknown): boolean {
  return Array.isArray(content) && content.some((block) => isFields(block) && block.type === 'tool_result');
}

function lastWords(content: unknown): string {
  if (typeof content === 'string') return content;
  const blocks: readonly unknown[] = Array.isArray(content) ? content : [];
  const texts = blocks.flatMap((block) => (isFields(block) && block.type === 'text' ? [block.text] : []));
  const words = texts.findLast((text) => typeof text === 'string' && !text.startsWith(CONTEXT));
  return typeof words === 'string' ? words : '';
}

/** Where a mark stands changes nothing of what the model sees. */
function plainJson({ cache_control: _, ...seen }: Fields): string {
  return JSON.stringify(seen);
}
