/**
 * What of a prompt the model's API is to keep, so that the next turn of a conversation reads it for a tenth of its price
 * or less. Writing it costs a quarter more than not (for an hour: as much again), so a prompt is marked only where it
 * will likely be read: its system prompt, and a conversation once it goes on.
 *
 * Breakpoints stand where the bytes before them are the same in the next turn: at the end of the system prompt, and at
 * the end of a question. Whatever changes from turn to turn comes after them.
 */
import type { Message } from '../protocol/frames.ts';
import type { ModelFacts } from './model-table.ts';

export const CACHE_SETTINGS = ['off', '5m', '1h'] as const;
export type CacheSetting = (typeof CACHE_SETTINGS)[number];
/** How long what is kept stays without being read. */
export type CacheTtl = Exclude<CacheSetting, 'off'>;

export interface CacheSettings {
  /** For the system prompt and the conversation alike, or for each; what is not said is `5m`. */
  readonly cache?:
    | CacheSetting
    | { readonly system?: CacheSetting | undefined; readonly history?: CacheSetting | undefined }
    | undefined;
}

/** Where a request is marked. */
export interface CacheBreakpoints {
  /** At the end of the system prompt, ahead of what differs between requests. */
  readonly system?: CacheTtl;
  /** At the end of a block of a message. */
  readonly messages: readonly MessageBreakpoint[];
}

export interface MessageBreakpoint {
  /** Its index among the messages. */
  readonly message: number;
  /** Its index in the message's content; 0 for one that is a text. */
  readonly block: number;
  readonly ttl: CacheTtl;
}

export interface Prompt {
  readonly system: string;
  /** What comes after it, and differs between requests of one action. */
  readonly instructions?: string | undefined;
  /** As they come again in the next turn: without what is added for this one alone. */
  readonly messages: readonly Message[];
}

export const NO_BREAKPOINTS: CacheBreakpoints = { messages: [] };

/** Of English, before a model's own factor; other scripts have fewer. */
const BYTES_PER_TOKEN = 4;
/** A small one: 640 × 480. */
const TOKENS_PER_IMAGE = 400;

/**
 * @param model undefined for one that is not in the table: nothing is known of its cache, and nothing marked
 */
export function cacheBreakpoints(
  model: ModelFacts | undefined,
  settings: CacheSettings,
  { system, instructions = '', messages }: Prompt,
): CacheBreakpoints {
  if (model === undefined) return NO_BREAKPOINTS;
  const ttl = ttlsOf(settings);
  const systemTokens = textTokens(system, model);
  const isSystemKept = ttl.system !== 'off' && systemTokens >= model.cacheFloorTokens;
  return {
    ...(isSystemKept ? { system: ttl.system } : {}),
    messages:
      ttl.history === 'off'
        ? []
        : questionBreakpoints(messages, systemTokens + textTokens(instructions, model), model, ttl.history),
  };
}

/** What a longer one may not follow: the API refuses it. */
export function isCacheOrder(settings: CacheSettings): boolean {
  const { system, history } = ttlsOf(settings);
  return !(system === '5m' && history === '1h');
}

function ttlsOf({ cache = '5m' }: CacheSettings): Readonly<Record<'system' | 'history', CacheSetting>> {
  if (typeof cache === 'string') return { system: cache, history: cache };
  return { system: cache.system ?? '5m', history: cache.history ?? '5m' };
}

/**
 * On the last two questions of a conversation that went on once: the newest one writes what the next turn reads; the one
 * before stands where the last turn wrote, since from a breakpoint the API searches only 20 blocks back.
 */
function questionBreakpoints(
  messages: readonly Message[],
  systemTokens: number,
  model: ModelFacts,
  ttl: CacheTtl,
): MessageBreakpoint[] {
  const isUser = ({ role }: Message): boolean => role === 'user';
  const newest = messages.findLastIndex(isUser);
  const answered = messages.findIndex(({ role }) => role === 'assistant');
  if (answered < 0 || answered > newest) return [];
  const before = messages.findLastIndex((message, index) => index < newest && isUser(message));
  let tokens = systemTokens;
  const floor = messages.findIndex((message) => {
    tokens += messageTokens(message, model);
    return tokens >= model.cacheFloorTokens;
  });
  if (floor < 0) return [];
  return [before, newest]
    .filter((index) => index >= floor)
    .map((message) => ({ message, block: lastBlock(messages[message]), ttl }));
}

function lastBlock(message: Message | undefined): number {
  return typeof message?.content === 'object' ? message.content.length - 1 : 0;
}

function messageTokens({ content }: Message, model: ModelFacts): number {
  if (typeof content === 'string') return textTokens(content, model);
  let tokens = 0;
  for (const block of content)
    tokens += block.type === 'text' ? textTokens(block.text, model) : TOKENS_PER_IMAGE;
  return tokens;
}

function textTokens(text: string, { tokenFactor }: ModelFacts): number {
  return (Buffer.byteLength(text) / BYTES_PER_TOKEN) * tokenFactor;
}
