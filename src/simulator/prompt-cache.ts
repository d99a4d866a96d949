/**
 * The prompt cache: which part of a prompt was read before, and what of it is kept for the next.
 *
 * A mark on a block asks for the prompt up to it to be kept. A later prompt that begins with the same blocks reads it, where
 * one of its own marks is at most 20 blocks further on. What another model, system prompt, set of tools, effort or way of
 * thinking read is another prompt. An entry can be read once the first response has begun, and lives for five minutes or an
 * hour after the start of the last request that used it. It holds hashes, no words.
 */
import { hash } from 'node:crypto';
import type { Clock } from '../time/clock.ts';
import type { Lifetime } from './request/cache-control.ts';
import type { PromptBlock } from './request/prompt.ts';

/** Tokens of a prompt, by what they are billed as. */
export interface PromptUsage {
  readonly input: number;
  readonly cacheRead: number;
  readonly cacheWrite5m: number;
  readonly cacheWrite1h: number;
}

export interface CachedPrompt {
  readonly blocks: readonly PromptBlock[];
  /** What else decides how its beginning is read: the model, its speed. */
  readonly scope: string;
  /** What decides how its messages are read: thinking, effort. */
  readonly messagesScope: string;
  /** Less than this is not kept. */
  readonly floorTokens: number;
}

export interface CacheReading {
  readonly usage: PromptUsage;
  /** The response begins: what it wrote can be read. */
  begun(): void;
}

interface Prefix {
  readonly key: string;
  /** Of the prompt up to here. */
  readonly tokens: number;
  readonly mark: Lifetime | null;
}

interface Entry {
  readonly lifetimeMs: number;
  /** Monotonic ms of the clock. */
  expiresAt: number;
}

const LIFETIME_MS: Readonly<Record<Lifetime, number>> = { '5m': 5 * 60_000, '1h': 60 * 60_000 };
/** Blocks that are tried from a mark backwards, its own among them. */
const REACH = 20;
const MOST_ENTRIES = 10_000;

export class PromptCache {
  readonly #clock: Clock;
  /** The last used last. */
  readonly #entries = new Map<string, Entry>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  read(prompt: CachedPrompt): CacheReading {
    const total = prompt.blocks.reduce((sum, { tokens }) => sum + tokens, 0);
    const now = this.#clock.elapsed();
    const prefixes = prompt.blocks.some(({ mark }) => mark !== null) ? prefixesOf(prompt) : [];
    const known = this.#longestKnown(prefixes, now);
    const cacheRead = known?.tokens ?? 0;
    const written = prefixes.filter(
      ({ mark, tokens }) => mark !== null && tokens > cacheRead && tokens >= prompt.floorTokens,
    );
    this.#refresh(prefixes, cacheRead, now);
    return {
      usage: usageOf(total, cacheRead, written),
      begun: () => {
        for (const { key, mark } of written) this.#keep(key, LIFETIME_MS[mark ?? '5m'], now);
      },
    };
  }

  #longestKnown(prefixes: readonly Prefix[], now: number): Prefix | undefined {
    const marks = prefixes.flatMap(({ mark }, at) => (mark === null ? [] : at));
    return marks
      .flatMap((at) => prefixes.slice(Math.max(0, at - REACH + 1), at + 1))
      .findLast(({ key }) => (this.#entries.get(key)?.expiresAt ?? 0) > now);
  }

  /** What was used lives on: the part that was read, and the marked parts of it. */
  #refresh(prefixes: readonly Prefix[], readTokens: number, now: number): void {
    for (const { key, tokens } of prefixes) {
      const entry = tokens <= readTokens ? this.#entries.get(key) : undefined;
      if (entry !== undefined && entry.expiresAt > now) this.#keep(key, entry.lifetimeMs, now);
    }
  }

  /** @param from when the request that used it began */
  #keep(key: string, lifetimeMs: number, from: number): void {
    const expiresAt = Math.max(from + lifetimeMs, this.#entries.get(key)?.expiresAt ?? 0);
    this.#entries.delete(key);
    this.#entries.set(key, { lifetimeMs, expiresAt });
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= MOST_ENTRIES) break;
      this.#entries.delete(oldest);
    }
  }
}

/** Every beginning of the prompt, the shortest first. */
function prefixesOf({ blocks, scope, messagesScope }: CachedPrompt): Prefix[] {
  let key = hash('sha256', scope);
  let tokens = 0;
  let inMessages = false;
  return blocks.map((block) => {
    if (block.section === 'messages' && !inMessages) key = hash('sha256', `${key}\n${messagesScope}`);
    inMessages = block.section === 'messages';
    key = hash('sha256', `${key}\n${block.section}\n${block.content}`);
    tokens += block.tokens;
    return { key, tokens, mark: block.mark };
  });
}

/** From one mark to the next is written with the lifetime of the next; what follows the last is input. */
function usageOf(total: number, cacheRead: number, written: readonly Prefix[]): PromptUsage {
  const writes = { '5m': 0, '1h': 0 };
  let from = cacheRead;
  for (const { tokens, mark } of written) {
    writes[mark ?? '5m'] += tokens - from;
    from = tokens;
  }
  return { input: total - from, cacheRead, cacheWrite5m: writes['5m'], cacheWrite1h: writes['1h'] };
}
