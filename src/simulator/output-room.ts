/** What a model may still say: `max_tokens`, or what is left of its window. All blocks of a message share it. */
import type { Random } from './random.ts';
import type { MessagesRequest } from './request/messages-request.ts';
import { countTokens, type Delta, toDeltas } from './tokens.ts';

export class OutputRoom {
  /** Whether something would have needed more than there was. */
  ranOut = false;
  /** The stop reason if so. */
  readonly stopReason: 'max_tokens' | 'model_context_window_exceeded';
  #left: number;
  readonly #tokenFactor: number;

  constructor({ maxTokens, roomTokens, tokenFactor }: MessagesRequest) {
    this.#left = Math.min(maxTokens, roomTokens);
    this.#tokenFactor = tokenFactor;
    this.stopReason = roomTokens < maxTokens ? 'model_context_window_exceeded' : 'max_tokens';
  }

  get isEmpty(): boolean {
    return this.#left <= 0;
  }

  /** As much of it as there is room for: then to the last token. */
  take(pieces: readonly string[], random: Random): readonly Delta[] {
    const whole = this.takeWhole(pieces, random);
    if (whole !== undefined) return whole;
    const granted = pieces.slice(0, Math.ceil(this.#left / this.#tokenFactor));
    const deltas = toDeltas(granted, random, this.#tokenFactor);
    const last = deltas.at(-1);
    const rest = this.#left - countTokens(deltas.slice(0, -1));
    this.#left = 0;
    return last === undefined ? [] : deltas.with(-1, { ...last, tokens: rest });
  }

  /** Whole or not at all: half a tool's input would be no JSON. */
  takeWhole(pieces: readonly string[], random: Random): readonly Delta[] | undefined {
    const needed = Math.round(pieces.length * this.#tokenFactor);
    if (needed > this.#left) {
      this.ranOut = true;
      return undefined;
    }
    this.#left -= needed;
    return toDeltas(pieces, random, this.#tokenFactor);
  }
}
