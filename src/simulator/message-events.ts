/** A simulated message on the wire: the Server-Sent Events of the real API, or its one JSON object. */
import { toWire, type WireText } from '../protocol/wire-text.ts';
import type { Block, SimulatedMessage } from './message.ts';
import type { Random } from './random.ts';
import { STAMPED_TEXT, stampPosition } from './stamp.ts';

/** What leaves in one piece. */
export interface Write {
  readonly wire: WireText;
  /** Output tokens in it. */
  readonly tokens: number;
  /** The bill it announces. */
  readonly announces?: { readonly inputTokens: number; readonly outputTokens: number };
  /** Where the time of writing belongs. */
  readonly stampAt?: number;
}

export interface SseEvent extends Write {
  /** Whether it carries output: text, thinking or a tool's input. */
  readonly isDelta: boolean;
}

export function messageEvents(message: SimulatedMessage, random: Random): SseEvent[] {
  const { outputTokens, stopReason } = message;
  const usage = { ...promptUsage(message), output_tokens: outputTokens };
  return [
    sseEvent('message_start', { message: startOf(message, random) }, random),
    ...message.blocks.flatMap((block, index) => blockEvents(block, index, random)),
    {
      ...sseEvent(
        'message_delta',
        { delta: { stop_reason: stopReason, stop_sequence: null }, usage },
        random,
      ),
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
  const content = message.blocks.map((block) => {
    const text = block.deltas.map((delta) => delta.text).join('');
    if (block.type === 'text') return { type: 'text', text };
    if (block.type === 'thinking')
      return { type: 'thinking', thinking: text, signature: signature(text.length) };
    return { type: 'tool_use', ...block.tool, input: JSON.parse(text) as unknown };
  });
  return JSON.stringify({
    ...envelope(message),
    content,
    stop_reason: message.stopReason,
    stop_sequence: null,
    usage: { ...wholeUsage(message), output_tokens: message.outputTokens },
  });
}

export const PING: SseEvent = {
  wire: toWire('event: ping\ndata: {"type": "ping"}\n\n'),
  tokens: 0,
  isDelta: false,
};

export function errorEvent(body: string): SseEvent {
  return { wire: toWire(`event: error\ndata: ${body}\n\n`), tokens: 0, isDelta: false };
}

function envelope({ id, model }: SimulatedMessage) {
  return { model, id, type: 'message', role: 'assistant' };
}

function startOf(message: SimulatedMessage, random: Random) {
  return {
    ...envelope(message),
    content: [],
    stop_reason: null,
    stop_sequence: null,
    // A placeholder of output, as in the real API: what counts is the last `message_delta`.
    usage: { ...wholeUsage(message), output_tokens: random.integer(1, 8) },
  };
}

/** What only the beginning of a message tells is here too. */
function wholeUsage(message: SimulatedMessage) {
  const { cacheWrite5m, cacheWrite1h } = message.prompt;
  return {
    ...promptUsage(message),
    cache_creation: { ephemeral_5m_input_tokens: cacheWrite5m, ephemeral_1h_input_tokens: cacheWrite1h },
    service_tier: 'standard',
  };
}

function promptUsage({ prompt }: SimulatedMessage) {
  return {
    input_tokens: prompt.input,
    cache_creation_input_tokens: prompt.cacheWrite5m + prompt.cacheWrite1h,
    cache_read_input_tokens: prompt.cacheRead,
  };
}

function blockEvents(block: Block, index: number, random: Random): SseEvent[] {
  const events = [sseEvent('content_block_start', { index, content_block: opening(block) }, random)];
  if (index === 0) events.push(PING);
  for (const { text, tokens } of block.deltas) {
    const event = sseEvent('content_block_delta', { index, delta: deltaOf(block.type, text) }, random);
    const stamped = text === STAMPED_TEXT ? { stampAt: stampPosition(event.wire) } : {};
    events.push({ ...event, ...stamped, tokens, isDelta: true });
  }
  if (block.type === 'thinking') {
    const delta = { type: 'signature_delta', signature: signature(index + block.deltas.length) };
    events.push(sseEvent('content_block_delta', { index, delta }, random));
  }
  events.push(sseEvent('content_block_stop', { index }, random));
  return events;
}

function opening({ type, tool }: Block) {
  if (type === 'text') return { type, text: '' };
  return type === 'thinking' ? { type, thinking: '', signature: '' } : { type, ...tool, input: {} };
}

function deltaOf(type: Block['type'], text: string) {
  if (type === 'text') return { type: 'text_delta', text };
  return type === 'thinking'
    ? { type: 'thinking_delta', thinking: text }
    : { type: 'input_json_delta', partial_json: text };
}

/** An opaque token in the form of the real one. */
function signature(salt: number): string {
  return Buffer.from(`simulated thinking ${salt}`).toString('base64');
}

function sseEvent(type: string, fields: object, random: Random): SseEvent {
  const json = JSON.stringify({ type, ...fields });
  // The real API pads most lines before the last brace.
  const padding = ' '.repeat(random.integer(0, 15));
  const wire = toWire(`event: ${type}\ndata: ${json.slice(0, -1)}${padding}}\n\n`);
  return { wire, tokens: 0, isDelta: false };
}
