/** One simulated message: its blocks in deltas with their tokens, before any encoding. */
import { composeAnswer, composeLongAnswer, composeThinking } from './answers/answer.ts';
import type { AnswerBehaviour } from './behaviour.ts';
import type { MessagesRequest } from './messages-request.ts';
import type { Random } from './random.ts';
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
  readonly inputTokens: number;
  /** The sum over all deltas. */
  readonly outputTokens: number;
}

export function composeMessage(
  request: MessagesRequest,
  behaviour: AnswerBehaviour,
  random: Random,
): SimulatedMessage {
  const budget = { left: request.maxTokens };
  const blocks: Block[] = [];
  if (behaviour.thinking || request.thinking) {
    blocks.push({
      type: 'thinking',
      deltas: within(budget, tokenize(composeThinking(request.question)), random),
    });
  }
  blocks.push({ type: 'text', deltas: textDeltas(request, behaviour, random, budget) });
  if (behaviour.tool) {
    const input = tokenize(JSON.stringify({ topic: 'Água & café', limit: 3 }));
    const tool = { id: `toolu_01${random.base62(22)}`, name: request.tool ?? 'look_up_topic' };
    // Whole or not at all: half a tool input would be no JSON.
    if (input.length <= budget.left) blocks.push({ type: 'tool_use', deltas: toDeltas(input, random), tool });
    budget.left -= input.length;
  }
  const outputTokens = blocks.reduce(
    (sum, { deltas }) => deltas.reduce((n, delta) => n + delta.tokens, sum),
    0,
  );
  const natural = behaviour.stopReason ?? (behaviour.tool ? 'tool_use' : 'end_turn');
  return {
    id: `msg_01${random.base62(22)}`,
    model: request.model,
    blocks,
    stopReason: budget.left < 0 ? 'max_tokens' : natural,
    inputTokens: request.inputTokens,
    outputTokens,
  };
}

function textDeltas(
  request: MessagesRequest,
  behaviour: AnswerBehaviour,
  random: Random,
  budget: { left: number },
): readonly Delta[] {
  if (behaviour.deltas !== undefined) {
    return behaviour.deltas.map((text) => ({ text, tokens: tokenize(text).length }));
  }
  if (behaviour.stamped) {
    const count = Math.min(behaviour.stamped, request.maxTokens);
    return Array.from({ length: count }, () => ({ text: STAMPED_TEXT, tokens: 1 }));
  }
  const compose = behaviour.long ? composeLongAnswer : composeAnswer;
  return within(budget, tokenize(compose(request.question, random)), random);
}

/** Takes from the budget, which falls below zero where the tokens were more than it held. */
function within(budget: { left: number }, tokens: readonly string[], random: Random): Delta[] {
  const granted = tokens.slice(0, Math.max(budget.left, 0));
  budget.left -= tokens.length;
  return toDeltas(granted, random);
}
