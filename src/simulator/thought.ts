/** The thinking of a message: how much, by effort, and what of it is shown. The same for the same question. */
import type { Effort } from '../models/model-table.ts';
import { composeThinking } from './answers/answer.ts';
import type { AnswerBehaviour, ThoughtBehaviour } from './behaviour.ts';
import type { Block } from './message.ts';
import type { OutputRoom } from './output-room.ts';
import { Random } from './random.ts';
import type { MessagesRequest } from './request/messages-request.ts';
import { countTokens, type Delta, tokenize } from './tokens.ts';

/** Tokens of the older tokenizer at `high`: some two seconds at the pace of a real model. */
export const THINKING_AT_HIGH = 200;
const SHARES: Readonly<Record<Effort, number>> = { low: 0.2, medium: 0.5, high: 1, xhigh: 2.5, max: 5 };
/** How far one question differs from another. */
const SPREAD = [0.8, 1.2] as const;

/** Undefined where nothing is thought. */
export function composeThought(
  { question, thinking, tokenFactor, steps }: MessagesRequest,
  behaviour: AnswerBehaviour,
  room: OutputRoom,
  atHigh: number,
): Block | undefined {
  const isBetween = thinking.type === 'between_tools' && steps > 0;
  const { thinking: told = thinking.isOn || isBetween } = behaviour;
  if (told === false) return undefined;
  const thought: ThoughtBehaviour = told === true ? {} : told;
  const random = new Random(`thought\n${question}`);
  const tokens = thought.tokens ?? tokensOf(thinking, atHigh, random) * tokenFactor;
  const display = thought.display ?? thinking.display;
  const summary = display === 'summarized' ? tokenize(composeThinking(question)) : [];
  const unseen = Math.max(0, Math.round(tokens / tokenFactor) - summary.length);
  const hidden = room.take(new Array<string>(unseen).fill(''), random);
  const shown = room.take(summary, random);
  const deltas = paced(interleaved(hidden, shown), thought.ms);
  return { type: 'thinking', deltas, isOmitted: display === 'omitted', isCounted: thinking.isCounted };
}

function tokensOf({ effort, budgetTokens }: MessagesRequest['thinking'], atHigh: number, random: Random) {
  const tokens = atHigh * SHARES[effort ?? 'high'] * random.between(...SPREAD);
  return Math.min(Math.round(tokens), budgetTokens ?? Number.POSITIVE_INFINITY);
}

/** What is shown comes evenly spread over what is thought. */
function interleaved(hidden: readonly Delta[], shown: readonly Delta[]): readonly Delta[] {
  if (shown.length === 0) return hidden;
  const upTo = (i: number) => Math.round((i * hidden.length) / shown.length);
  return shown.flatMap((delta, i) => [...hidden.slice(upTo(i), upTo(i + 1)), delta]);
}

function paced(deltas: readonly Delta[], ms: number | undefined): readonly Delta[] {
  return ms === undefined ? deltas : deltas.map((delta) => ({ ...delta, waitMs: ms / deltas.length }));
}

/** Of a message's output, what was thought. */
export function thinkingTokens(blocks: readonly Block[]): number {
  return countTokens(blocks.filter(({ type }) => type === 'thinking').flatMap(({ deltas }) => deltas));
}
