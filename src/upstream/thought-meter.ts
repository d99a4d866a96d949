/**
 * Estimates what was thought in one message, for a stream that is cut before its totals. By what is known of each block, in
 * this order: the API's own increments (`estimated_tokens`, where that beta is on), its signature, which covers the whole
 * thinking, and its text. While a block is open and shows nothing, or only a summary, all there is to go by is time: the pace of
 * the model, as the models file has it, up to what it may think.
 */
import type { ThinkingPace } from '../models/thinking.ts';

const TOKENS_PER_TEXT_BYTE = 0.25;
const TOKENS_PER_SIGNATURE_BYTE = 0.155;
const TOKENS_PER_REDACTED_BYTE = 0.096;

export class ThoughtMeter {
  readonly #pace: ThinkingPace;
  readonly #now: () => number;
  /** There was thinking, be it none that can be estimated yet. */
  began = false;
  /** Of its text, in all blocks. */
  textBytes = 0;
  /** Estimated tokens of blocks that are closed. */
  #closedTokens = 0;
  /** Of the block that is open: since when, ms; null where none is. */
  #openedAt: number | null = null;
  #blockTextBytes = 0;
  #signatureBytes = 0;
  #countedTokens = 0;

  /** @param now ms, on any scale */
  constructor(pace: ThinkingPace, now: () => number) {
    this.#pace = pace;
    this.#now = now;
  }

  opened(): void {
    this.closed();
    this.began = true;
    this.#openedAt = this.#now();
  }

  closed(): void {
    this.#closedTokens += this.#blockTokens();
    this.#openedAt = null;
    this.#blockTextBytes = 0;
    this.#signatureBytes = 0;
    this.#countedTokens = 0;
  }

  text(bytes: number): void {
    this.began = true;
    this.textBytes += bytes;
    this.#blockTextBytes += bytes;
  }

  /** @param bytes of base64. */
  signature(bytes: number): void {
    this.began = true;
    this.#signatureBytes += bytes;
  }

  counted(tokens: number): void {
    this.began = true;
    this.#countedTokens += tokens;
  }

  /** A block that comes whole. @param bytes of base64. */
  redacted(bytes: number): void {
    this.began = true;
    this.#closedTokens += bytes * TOKENS_PER_REDACTED_BYTE;
  }

  /** Estimated, and no whole number. */
  get tokens(): number {
    return this.#closedTokens + this.#blockTokens();
  }

  #blockTokens(): number {
    const signed = this.#signatureBytes * TOKENS_PER_SIGNATURE_BYTE;
    const seen = Math.max(signed, this.#blockTextBytes * TOKENS_PER_TEXT_BYTE);
    if (this.#countedTokens > 0) return this.#countedTokens;
    return signed > 0 || this.#openedAt === null ? seen : Math.max(seen, this.#tokensSince(this.#openedAt));
  }

  #tokensSince(openedAt: number): number {
    const { tokensPerSecond, maxTokens } = this.#pace;
    const tokens = ((this.#now() - openedAt) / 1000) * tokensPerSecond;
    return Math.max(0, Math.min(tokens, maxTokens - this.#closedTokens));
  }
}
