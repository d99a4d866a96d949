/**
 * The exact writes of an answer, before it has any time. Equal requests to equal behaviours are answered by equal
 * bytes, so they are prepared once: a benchmark's thousand streams share one copy.
 */
import { hash } from 'node:crypto';
import { toWire, type WireText } from '../protocol/wire-text.ts';
import { ApiError } from './api-error.ts';
import type { AnswerBehaviour, RawBehaviour } from './behaviour.ts';
import { composeMessage, type PromptReading, type SimulatedMessage } from './message.ts';
import {
  billOf,
  contentOf,
  errorEvent,
  messageEvents,
  messageJson,
  type SseEvent,
  type Write,
} from './message-events.ts';
import { Random } from './random.ts';
import type { MessagesRequest } from './request/messages-request.ts';
import { thoughtJson } from './request/tool-turns.ts';

export interface PreparedAnswer {
  readonly contentType: string;
  readonly writes: readonly Write[];
  /** How many deltas the model generates for it at its pace. */
  readonly deltas: number;
  /** What else it takes, ms. */
  readonly waitMs: number;
  /** Of the first message; null where nothing is known of it. */
  readonly messageId: string | null;
  /** Of each tool that is asked for, by its id, what was thought before, as JSON. */
  readonly thoughts: ReadonlyMap<string, string>;
}

const SSE = 'text/event-stream; charset=utf-8';
const KEPT_PER_BEHAVIOUR = 64;

export class AnswerPreparer {
  readonly #seed: string;
  readonly #thinkingAtHigh: number;
  /** Keyed by a hash: no word of a prompt is kept. */
  readonly #kept = new WeakMap<AnswerBehaviour, Map<string, PreparedAnswer>>();

  /** @param thinkingAtHigh tokens of the older tokenizer that are thought at that effort */
  constructor(seed: string, thinkingAtHigh: number) {
    this.#seed = seed;
    this.#thinkingAtHigh = thinkingAtHigh;
  }

  prepare(request: MessagesRequest, reading: PromptReading, behaviour: AnswerBehaviour): PreparedAnswer {
    // The user's hash is no part of what the model sees.
    const key = hash('sha256', JSON.stringify([{ ...request, userHash: null }, reading]));
    const kept = this.#kept.get(behaviour) ?? new Map<string, PreparedAnswer>();
    this.#kept.set(behaviour, kept);
    const known = kept.get(key);
    if (known !== undefined) return known;
    // The same words whether they are streamed or not, and however many of them are allowed.
    const { model, terms, question, promptTokens } = request;
    const words = new Random([this.#seed, model, terms.speed, promptTokens, question].join('\n'));
    const messages = Array.from({ length: behaviour.messages ?? 1 }, () =>
      composeMessage(request, reading, behaviour, words, this.#thinkingAtHigh),
    );
    const answer = prepareAnswer(messages, request.stream, behaviour, words);
    for (const oldest of kept.keys()) {
      if (kept.size < KEPT_PER_BEHAVIOUR) break;
      kept.delete(oldest);
    }
    kept.set(key, answer);
    return answer;
  }
}

export function prepareRaw({ body, sliceBytes }: RawBehaviour): PreparedAnswer {
  const wire = typeof body === 'string' ? toWire(body) : (Buffer.from(body).toString('latin1') as WireText);
  const writes = slices([{ wire, tokens: 0 }], sliceBytes);
  return { contentType: SSE, writes, deltas: 0, waitMs: 0, messageId: null, thoughts: new Map() };
}

function prepareAnswer(
  messages: readonly SimulatedMessage[],
  stream: boolean,
  behaviour: AnswerBehaviour,
  random: Random,
): PreparedAnswer {
  const events = messages.flatMap((message) => messageEvents(message, random));
  const generated = events.filter((event) => event.isDelta);
  const waits = generated.flatMap(({ waitMs }) => waitMs ?? []);
  const facts = {
    deltas: generated.length - waits.length,
    waitMs: waits.reduce((sum, ms) => sum + ms, 0),
    messageId: messages[0]?.id ?? null,
    thoughts: new Map(messages.flatMap(thoughtsOf)),
  };
  if (stream) {
    const writes = slices(together(brokenOff(events, behaviour)), behaviour.sliceBytes);
    return { contentType: SSE, writes, ...facts };
  }
  const writes = messages.slice(0, 1).map((message): Write => {
    const { outputTokens } = message;
    const wire = toWire(messageJson(message));
    return behaviour.broken
      ? { wire: half(wire), tokens: outputTokens }
      : { wire, tokens: outputTokens, announces: billOf(message) };
  });
  return { contentType: 'application/json', writes, ...facts };
}

function thoughtsOf(message: SimulatedMessage): [string, string][] {
  const thought = thoughtJson(contentOf(message));
  return message.blocks.flatMap(({ tool }): [string, string][] =>
    tool === undefined ? [] : [[tool.id, thought]],
  );
}

function half(wire: WireText): WireText {
  return wire.slice(0, wire.length >> 1) as WireText;
}

/** The events up to the break, with what the break itself still says. */
function brokenOff(events: readonly SseEvent[], { broken }: AnswerBehaviour): readonly SseEvent[] {
  if (broken === undefined) return events;
  let deltas = 0;
  const found = events.findIndex(
    (event) => event.isDelta && event.wire !== '' && deltas++ === broken.afterDeltas,
  );
  // Fewer deltas than that: everything but the last message_stop.
  const at = found === -1 ? events.length - 1 : found;
  const said = events.slice(0, at);
  const next = events[at];
  if (broken.by === 'error') {
    said.push(errorEvent(new ApiError('overloaded_error', 'Overloaded').body()));
  } else if (broken.by === 'half-event' && next !== undefined) {
    said.push({ wire: half(next.wire), tokens: 0, isDelta: false });
  }
  return said;
}

/** One write for each delta, and one for each run of other events. */
function together(events: readonly SseEvent[]): Write[] {
  const writes: Write[] = [];
  let wasDelta = true;
  for (const { isDelta, ...write } of events) {
    const before = writes.at(-1);
    if (before === undefined || isDelta || wasDelta) writes.push(write);
    else writes[writes.length - 1] = { ...before, ...write, wire: (before.wire + write.wire) as WireText };
    wasDelta = isDelta;
  }
  return writes;
}

/** Cuts the body every `size` bytes, also across events; a slice counts what has become whole with it. */
function slices(writes: readonly Write[], size: number | undefined): readonly Write[] {
  if (size === undefined) return writes;
  const body = writes.map((write) => write.wire).join('');
  const sliced: Write[] = [];
  let whole = 0;
  let end = 0;
  for (let from = 0; from < body.length; from += size) {
    let slice: Write = { wire: body.slice(from, from + size) as WireText, tokens: 0 };
    for (
      let next = writes[whole];
      next !== undefined && end + next.wire.length <= from + size;
      next = writes[whole]
    ) {
      const { wire, tokens, waitMs: _, ...bill } = next;
      slice = { ...slice, ...bill, tokens: slice.tokens + tokens };
      end += wire.length;
      whole += 1;
    }
    sliced.push(slice);
  }
  return sliced;
}
