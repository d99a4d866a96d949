/** A simulated message on the wire: the Server-Sent Events of the real API, or its one JSON object. */
import { toWire, type WireText } from '../protocol/wire-text.ts';
import type { Block, HandOver, SimulatedMessage } from './message.ts';
import type { PromptUsage } from './prompt-cache.ts';
import type { Random } from './random.ts';
import { STAMPED_TEXT, stampPosition } from './stamp.ts';
import { thinkingTokens } from './thought.ts';
import { countTokens, type Delta } from './tokens.ts';

/** What leaves in one piece. */
export interface Write {
  /** Empty where something is generated that nobody sees. */
  readonly wire: WireText;
  /** Output tokens in it. */
  readonly tokens: number;
  /** The bill it announces. */
  readonly announces?: { readonly inputTokens: number; readonly outputTokens: number };
  /** Ms until it comes, whatever the pace of the others is. */
  readonly waitMs?: number;
  /** Where the time of writing belongs. */
  readonly stampAt?: number;
}

export interface SseEvent extends Write {
  /** Whether it carries output: text, thinking or a tool's input. */
  readonly isDelta: boolean;
}

export function messageEvents(message: SimulatedMessage, random: Random): SseEvent[] {
  const usage = { ...promptUsage(message), ...outputUsage(message) };
  return [
    sseEvent('message_start', { message: startOf(message, random) }, random),
    ...message.blocks.flatMap((block, index) => blockEvents(block, index, random)),
    {
      ...sseEvent('message_delta', { delta: endOf(message), usage }, random),
      announces: billOf(message),
    },
    sseEvent('message_stop', {}, random),
  ];
}

/** The bill it announces: input that no cache took part in, and output. */
export function billOf({ prompt, outputTokens }: SimulatedMessage) {
  return { inputTokens: prompt.input, outputTokens };
}

export function messageJson(message: SimulatedMessage): string {
  return JSON.stringify({
    ...envelope(message),
    content: contentOf(message),
    ...endOf(message),
    usage: { ...wholeUsage(message), ...outputUsage(message) },
  });
}

/** The blocks of a message, each whole. */
export function contentOf({ blocks }: SimulatedMessage) {
  return blocks.map((block) => {
    const text = block.deltas.map((delta) => delta.text).join('');
    if (block.type === 'text') return { type: 'text', text };
    if (block.handOver !== undefined) return fallbackBlock(block.handOver);
    if (block.type === 'thinking')
      return { type: 'thinking', thinking: text, signature: signature(countTokens(block.deltas)) };
    return { type: 'tool_use', ...block.tool, input: inputOf(text) };
  });
}

/** Scripted ones may be no JSON. */
function inputOf(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return {};
  }
}

/** Estimates are multiples of it. */
const COUNT_QUANTUM = 50;
/** Before base64; as in recorded answers. */
const SIGNATURE_BYTES_PER_TOKEN = 4.8;
const UNSEEN: SseEvent = { wire: toWire(''), tokens: 0, isDelta: true };

export const PING: SseEvent = {
  wire: toWire('event: ping\ndata: {"type": "ping"}\n\n'),
  tokens: 0,
  isDelta: false,
};

export function errorEvent(body: string): SseEvent {
  return { wire: toWire(`event: error\ndata: ${body}\n\n`), tokens: 0, isDelta: false };
}

function envelope({ id, model, divergence }: SimulatedMessage) {
  const diagnostics = divergence === null ? null : { cache_miss_reason: divergence };
  return { model, id, type: 'message', role: 'assistant', container: null, diagnostics };
}

function endOf({ stopReason, refusal }: SimulatedMessage) {
  const details = refusal === null || stopReason !== 'refusal' ? null : refusal;
  return {
    stop_reason: stopReason,
    stop_sequence: null,
    stop_details: details && {
      type: 'refusal',
      category: details.category,
      explanation: details.explanation,
    },
  };
}

function startOf(message: SimulatedMessage, random: Random) {
  return {
    ...envelope(message),
    content: [],
    stop_reason: null,
    stop_sequence: null,
    stop_details: null,
    // A placeholder of output, as in the real API: what counts is the last `message_delta`.
    usage: { ...wholeUsage(message), ...NOTHING_YET, output_tokens: random.integer(1, 8) },
  };
}

/** What only the beginning of a message tells is here too. */
function wholeUsage(message: SimulatedMessage) {
  return { ...promptUsage(message), ...writesUsage(message.prompt), ...message.terms };
}

const NOTHING_YET = { output_tokens_details: null, server_tool_use: null };

function outputUsage({ blocks, outputTokens, attempts }: SimulatedMessage) {
  const iterations = attempts?.map(({ type, model, prompt, outputTokens: tokens }) => ({
    type,
    model,
    ...promptUsage({ prompt }),
    ...writesUsage(prompt),
    output_tokens: tokens,
  }));
  return {
    ...NOTHING_YET,
    output_tokens: outputTokens,
    output_tokens_details: { thinking_tokens: Math.min(thinkingTokens(blocks), outputTokens) },
    ...(iterations === undefined ? {} : { iterations }),
  };
}

function writesUsage({ cacheWrite5m, cacheWrite1h }: PromptUsage) {
  return {
    cache_creation: { ephemeral_5m_input_tokens: cacheWrite5m, ephemeral_1h_input_tokens: cacheWrite1h },
  };
}

function promptUsage({ prompt }: Pick<SimulatedMessage, 'prompt'>) {
  return {
    input_tokens: prompt.input,
    cache_creation_input_tokens: prompt.cacheWrite5m + prompt.cacheWrite1h,
    cache_read_input_tokens: prompt.cacheRead,
  };
}

function blockEvents(block: Block, index: number, random: Random): SseEvent[] {
  const events = [sseEvent('content_block_start', { index, content_block: opening(block) }, random)];
  if (index === 0) events.push(PING);
  if (block.type === 'thinking') events.push(...thinkingEvents(block, index, random));
  else for (const delta of block.deltas) events.push(deltaEvent(block.type, delta, index, random));
  events.push(sseEvent('content_block_stop', { index }, random));
  return events;
}

function deltaEvent(type: Block['type'], delta: Delta, index: number, random: Random): SseEvent {
  const { text, tokens } = delta;
  const event = sseEvent('content_block_delta', { index, delta: deltaOf(type, text) }, random);
  const stamped = text === STAMPED_TEXT ? { stampAt: stampPosition(event.wire) } : {};
  return { ...event, ...stamped, tokens, isDelta: true };
}

/** What is thought unseen takes its time and its tokens, and has no event but where it is counted. */
function thinkingEvents({ deltas, isOmitted, isCounted }: Block, index: number, random: Random): SseEvent[] {
  const ofBlock = (delta: object) => sseEvent('content_block_delta', { index, delta }, random);
  let uncounted = 0;
  const events = deltas.map(({ text, tokens, waitMs }): SseEvent => {
    uncounted += tokens;
    const due = isOmitted ? uncounted - (uncounted % COUNT_QUANTUM) : 0;
    uncounted -= due;
    const estimate = isCounted ? { estimated_tokens: due === 0 ? null : due } : {};
    const isSeen = text !== '' || (isCounted && due > 0);
    const event = isSeen ? ofBlock({ type: 'thinking_delta', thinking: text, ...estimate }) : UNSEEN;
    return { ...event, tokens, isDelta: true, ...(waitMs === undefined ? {} : { waitMs }) };
  });
  return [...events, ofBlock({ type: 'signature_delta', signature: signature(countTokens(deltas)) })];
}

function fallbackBlock({ from, to, category }: HandOver) {
  const trigger = { type: 'refusal', category };
  return { type: 'fallback', from: { model: from }, to: { model: to }, trigger };
}

function opening({ type, tool, handOver }: Block) {
  if (handOver !== undefined) return fallbackBlock(handOver);
  if (type === 'text') return { type, text: '' };
  return type === 'thinking' ? { type, thinking: '', signature: '' } : { type, ...tool, input: {} };
}

function deltaOf(type: Block['type'], text: string) {
  return type === 'text' ? { type: 'text_delta', text } : { type: 'input_json_delta', partial_json: text };
}

/** An opaque token in the form of the real one, which grows with all that was thought. */
function signature(tokens: number): string {
  const bytes = Math.ceil(tokens * SIGNATURE_BYTES_PER_TOKEN);
  return Buffer.from('simulated thinking '.repeat(Math.ceil(bytes / 19)).slice(0, bytes)).toString('base64');
}

function sseEvent(type: string, fields: object, random: Random): SseEvent {
  const json = JSON.stringify({ type, ...fields });
  // The real API pads most lines before the last brace.
  const padding = ' '.repeat(random.integer(0, 15));
  const wire = toWire(`event: ${type}\ndata: ${json.slice(0, -1)}${padding}}\n\n`);
  return { wire, tokens: 0, isDelta: false };
}
