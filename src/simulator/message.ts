/** One simulated message: its blocks in deltas with their tokens, before any encoding. */
import { composeAnswer, composeLongAnswer, composeThinking } from './answers/answer.ts';
import type { AnswerBehaviour } from './behaviour.ts';
import type { PromptUsage } from './prompt-cache.ts';
import type { Random } from './random.ts';
import type { MessagesRequest } from './request/messages-request.ts';
import { STAMPED_TEXT } from './stamp.ts';
import { type Delta, toDeltas, tokenize } from './tokens.ts';

export interface Block {
  readonly type: 'text' | 'thinking' | 'tool_use';
  readonly deltas: readonly Delta[];
  /** Of a tool_use. */
  readonly tool?: { readonly id: string; readonly name: string };
}

export interface SimulatedMessage {
  readonly id: string;
  readonly model: string;
  readonly blocks: readonly Block[];
  readonly stopReason: string;
  readonly prompt: PromptUsage;
  /** The sum over all deltas. */
  readonly outputTokens: number;
}

export function composeMessage(
  request: MessagesRequest,
  prompt: PromptUsage,
  behaviour: AnswerBehaviour,
  random: Random,
): SimulatedMessage {
  const budget = new Budget(request);
  const blocks: Block[] = [];
  if (behaviour.thinking || request.thinking) {
    const deltas = budget.take(tokenize(composeThinking(request.question)), random);
    blocks.push({ type: 'thinking', deltas });
  }
  blocks.push({ type: 'text', deltas: textDeltas(request, behaviour, random, budget) });
  if (behaviour.tool) {
    const deltas = budget.takeWhole(tokenize(JSON.stringify({ topic: 'Água & café', limit: 3 })), random);
    const tool = { id: `toolu_01${random.base62(22)}`, name: request.tool ?? 'look_up_topic' };
    if (deltas !== undefined) blocks.push({ type: 'tool_use', deltas, tool });
  }
  const natural = behaviour.stopReason ?? (behaviour.tool ? 'tool_use' : 'end_turn');
  return {
    id: `msg_01${random.base62(22)}`,
    model: request.model,
    blocks,
    stopReason: budget.ranOut ? 'max_tokens' : natural,
    prompt,
    outputTokens: sum(blocks.flatMap(({ deltas }) => deltas)),
  };
}

function textDeltas(
  request: MessagesRequest,
  behaviour: AnswerBehaviour,
  random: Random,
  budget: Budget,
): readonly Delta[] {
  if (behaviour.deltas !== undefined) {
    return behaviour.deltas.map((text) => ({
      text,
      tokens: Math.round(tokenize(text).length * request.tokenFactor),
    }));
  }
  if (behaviour.stamped) {
    const count = Math.min(behaviour.stamped, request.maxTokens);
    return Array.from({ length: count }, () => ({ text: STAMPED_TEXT, tokens: 1 }));
  }
  const compose = behaviour.long ? composeLongAnswer : composeAnswer;
  return budget.take(tokenize(compose(request.question, random)), random);
}

/** What is left of `max_tokens`, which all blocks share. */
class Budget {
  /** Whether something would have needed more than there was. */
  ranOut = false;
  #left: number;
  readonly #tokenFactor: number;

  constructor({ maxTokens, tokenFactor }: MessagesRequest) {
    this.#left = maxTokens;
    this.#tokenFactor = tokenFactor;
  }

  /** As much of it as there is room for: then to the last token. */
  take(pieces: readonly string[], random: Random): readonly Delta[] {
    const whole = this.takeWhole(pieces, random);
    if (whole !== undefined) return whole;
    const granted = pieces.slice(0, Math.ceil(this.#left / this.#tokenFactor));
    const deltas = toDeltas(granted, random, this.#tokenFactor);
    const last = deltas.at(-1);
    const rest = this.#left - sum(deltas.slice(0, -1));
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

function sum(deltas: readonly Delta[]): number {
  return deltas.reduce((tokens, delta) => tokens + delta.tokens, 0);
}
