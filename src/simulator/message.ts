/** One simulated message: its blocks in deltas with their tokens, before any encoding. */
import { composeAnswer, composeLongAnswer } from './answers/answer.ts';
import { composeToolInput } from './answers/tool-input.ts';
import type { AnswerBehaviour, ToolBehaviour } from './behaviour.ts';
import type { CacheDivergence } from './cache-diagnosis.ts';
import { OutputRoom } from './output-room.ts';
import type { PromptUsage } from './prompt-cache.ts';
import type { Random } from './random.ts';
import type { MessagesRequest } from './request/messages-request.ts';
import type { FallbackModel } from './request/refusal-fallbacks.ts';
import type { Terms } from './request/terms.ts';
import { STAMPED_TEXT } from './stamp.ts';
import { composeThought } from './thought.ts';
import { countTokens, type Delta, tokenize } from './tokens.ts';

export interface Block {
  readonly type: 'text' | 'thinking' | 'tool_use' | 'fallback';
  /** A thinking block's may have no text: what is not shown. */
  readonly deltas: readonly Delta[];
  /** Of a tool_use. */
  readonly tool?: { readonly id: string; readonly name: string };
  /** Of a thinking block: whether none of it is shown, and whether its deltas say how much it was. */
  readonly isOmitted?: boolean;
  readonly isCounted?: boolean;
  /** Of a fallback: where the words of one model end and those of another begin. */
  readonly handOver?: HandOver;
}

export interface HandOver {
  readonly from: string;
  readonly to: string;
  readonly category: string | null;
}

/** What one model was asked for a message, and said. */
export interface Attempt {
  readonly type: 'message' | 'fallback_message';
  readonly model: string;
  readonly prompt: PromptUsage;
  readonly outputTokens: number;
}

export interface RefusalDetails {
  readonly category: string | null;
  readonly explanation: string | null;
}

export interface SimulatedMessage {
  readonly id: string;
  readonly model: string;
  readonly blocks: readonly Block[];
  readonly stopReason: string;
  /** Null unless the model refused. */
  readonly refusal: RefusalDetails | null;
  readonly prompt: PromptUsage;
  readonly terms: Terms;
  /** Where its prompt differs from that of the message before; null: nowhere, or nobody asked. */
  readonly divergence: CacheDivergence | null;
  /** The sum over all deltas; of several attempts those of the last. */
  readonly outputTokens: number;
  /** Where one model declined, and another one answered. */
  readonly attempts?: readonly Attempt[];
}

/** What is known of a request's prompt before it is answered. */
export interface PromptReading {
  readonly prompt: PromptUsage;
  readonly divergence: CacheDivergence | null;
}

/** @param thinkingAtHigh tokens that are thought at that effort */
export function composeMessage(
  request: MessagesRequest,
  reading: PromptReading,
  behaviour: AnswerBehaviour,
  random: Random,
  thinkingAtHigh: number,
): SimulatedMessage {
  const { fallback } = request;
  if (behaviour.refusal !== undefined && fallback !== null)
    return composeHandedOver(request, fallback, reading, behaviour, random, thinkingAtHigh);
  const room = new OutputRoom(request);
  const blocks = composeBlocks(request, behaviour, random, room, thinkingAtHigh);
  const { refusal = null } = behaviour;
  const natural =
    refusal !== null ? 'refusal' : callsOf(request, behaviour).length > 0 ? 'tool_use' : 'end_turn';
  const isCut = room.ranOut || request.maxTokens === 0;
  return {
    id: `msg_01${random.base62(22)}`,
    model: request.model,
    blocks,
    stopReason: isCut ? room.stopReason : (behaviour.stopReason ?? natural),
    refusal,
    ...reading,
    terms: request.terms,
    outputTokens: countTokens(blocks.flatMap(({ deltas }) => deltas)),
  };
}

/** As far as the model said something before it declined, and what another one says after that. */
function composeHandedOver(
  request: MessagesRequest,
  { model: to, tokenFactor }: FallbackModel,
  reading: PromptReading,
  behaviour: AnswerBehaviour,
  random: Random,
  thinkingAtHigh: number,
): SimulatedMessage {
  const { model: from, tokenFactor: before } = request;
  const declined = composeMessage({ ...request, fallback: null }, reading, behaviour, random, thinkingAtHigh);
  const { refusal, ...willing } = behaviour;
  const input = Math.round((request.promptTokens * tokenFactor) / before);
  const prompt = { input, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0 };
  const promptTokens = input;
  const asked = { ...request, model: to, tokenFactor, promptTokens, fallback: null };
  const answer = composeMessage(asked, { ...reading, prompt }, willing, random, thinkingAtHigh);
  const handOver = { from, to, category: refusal?.category ?? null };
  return {
    ...answer,
    // The message bears the name of the one whose words come first.
    model: declined.blocks.length === 0 ? to : from,
    blocks: [...declined.blocks, { type: 'fallback', deltas: [], handOver }, ...answer.blocks],
    attempts: [attemptOf('message', declined), attemptOf('fallback_message', answer)],
  };
}

function attemptOf(type: Attempt['type'], { model, prompt, outputTokens }: SimulatedMessage): Attempt {
  return { type, model, prompt, outputTokens };
}

function composeBlocks(
  request: MessagesRequest,
  behaviour: AnswerBehaviour,
  random: Random,
  room: OutputRoom,
  thinkingAtHigh: number,
): readonly Block[] {
  const { refusal } = behaviour;
  if (request.maxTokens === 0 || refusal?.afterDeltas === 0) return [];
  const thought = composeThought(request, behaviour, room, thinkingAtHigh);
  const text = textDeltas(request, behaviour, random, room);
  return [
    ...(thought === undefined ? [] : [thought]),
    ...(text.length === 0 && room.isEmpty ? [] : [textBlock(text, refusal?.afterDeltas)]),
    ...toolBlocks(request, callsOf(request, behaviour), random, room),
  ];
}

function textBlock(deltas: readonly Delta[], most: number | undefined): Block {
  return { type: 'text', deltas: deltas.slice(0, most) };
}

/** Each whole, or not at all. */
function toolBlocks(
  { tools, question }: MessagesRequest,
  calls: NonNullable<ToolBehaviour['calls']>,
  random: Random,
  room: OutputRoom,
): readonly Block[] {
  return calls.flatMap(({ name = tools[0]?.name ?? 'look_up_topic', input }): readonly Block[] => {
    const { schema = {} } = tools.find((tool) => tool.name === name) ?? {};
    const json =
      typeof input === 'string' ? input : JSON.stringify(input ?? composeToolInput(schema, question));
    const deltas = room.takeWhole(tokenize(json), random);
    const tool = { id: `toolu_01${random.base62(22)}`, name };
    return deltas === undefined ? [] : [{ type: 'tool_use', deltas, tool }];
  });
}

/** Which tools are asked for now; none where it may not, or has asked often enough. */
function callsOf(
  { mayAsk, steps }: MessagesRequest,
  { tool = false }: AnswerBehaviour,
): NonNullable<ToolBehaviour['calls']> {
  if (tool === false || !mayAsk) return [];
  const { calls = [{}], times = 1 } = tool === true ? {} : tool;
  return steps < times ? calls : [];
}

function textDeltas(
  request: MessagesRequest,
  behaviour: AnswerBehaviour,
  random: Random,
  room: OutputRoom,
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
  return room.take(tokenize(compose(request.question, random)), random);
}
