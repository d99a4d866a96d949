/**
 * Reads the events of one Messages body: text goes to the sink as it stands, counts to the meter, and what decides
 * the ending is kept here. Event and block types are open-ended: an unknown one is passed on, never an error.
 * It knows nothing of sockets, retries or time.
 */
import { isUtf8 } from 'node:buffer';
import type { Refusal } from '../protocol/frames.ts';
import { parseJson } from '../protocol/parse-json.ts';
import { fromWire, toWire, type WireText } from '../protocol/wire-text.ts';
import { type ApiErrorNames, errorNames, identifier, modelName } from './api-names.ts';
import { countOf } from './counts.ts';
import type { UpstreamRequest, UpstreamSink } from './port.ts';
import { TurnContent } from './turn-content.ts';
import type { ReportedUsage, UsageMeter } from './usage-meter.ts';

/** An object of the API, of which nothing is believed but the names. */
type Json = {
  readonly [Name in
    | 'type'
    | 'message'
    | 'usage'
    | 'model'
    | 'delta'
    | 'content'
    | 'content_block'
    | 'error'
    | 'stop_reason'
    | 'stop_details'
    | 'category'
    | 'text'
    | 'thinking'
    | 'estimated_tokens'
    | 'signature'
    | 'partial_json'
    | 'data'
    | 'input'
    | 'to']?: unknown;
};

/** What of a body its reader asks for. */
interface Wanted extends Pick<UpstreamRequest, 'events' | 'showThinking' | 'toolUse'> {
  /** Whose a message is that names no model; null: whoever was asked. */
  readonly unnamed?: string | null;
}

const OF_A_MESSAGE: ReadonlySet<unknown> = new Set([
  'content_block_start',
  'content_block_delta',
  'content_block_stop',
  'message_delta',
  'message_stop',
]);

/** Of one event: some search results have thousands of values, none is as deep. */
const BOUNDS = { depth: 256, values: 100_000 } as const;

export class MessageParser {
  readonly #sink: UpstreamSink;
  readonly #meter: UsageMeter;
  readonly #allEvents: boolean;
  readonly #showThinking: boolean;
  readonly #unnamed: string | null;
  /** A `message_start` came. */
  began = false;
  /** Something was given to the sink: the call can no longer be tried again unseen. */
  delivered = false;
  /**
   * The last message is complete: a good end, whatever follows. Only another message opens the body again; all else
   * after the stop (a gateway's `[DONE]`, keep-alives, an error that came too late) changes nothing.
   */
  stopped = false;
  /** An event came that is not JSON. */
  malformed = false;
  stopReason: string | null = null;
  /** Where the model refused: of what kind, as far as the API says it. */
  refusal: Refusal | null = null;
  model: string | null;
  /** What the API said inside the body before its message was complete. */
  error: ApiErrorNames | null = null;
  /** Events so far, without pings. */
  contentEvents = 0;
  pings = 0;
  /** A block of thinking is open: where its text is not shown, nothing but pings says that the model is at it. */
  thinking = false;
  /** All that the message holds, where it may ask for tools. */
  readonly content: TurnContent | undefined;
  #hasText = false;
  #halted = false;

  constructor(
    sink: UpstreamSink,
    meter: UsageMeter,
    { events, showThinking, toolUse, unnamed = null }: Wanted,
  ) {
    this.#sink = sink;
    this.#meter = meter;
    this.#allEvents = events === 'all';
    this.#showThinking = showThinking && !this.#allEvents;
    this.#unnamed = unnamed;
    this.content = toolUse === undefined ? undefined : new TurnContent();
    this.model = unnamed;
  }

  /** One event; its data is `bytes`, latin1, from `from` to `end`. At the body's end a last one may be cut: it is then dropped. */
  read(name: string, bytes: string, from: number, end: number, atEnd: boolean): void {
    if (this.#halted || this.error !== null) return;
    const text = this.stopped ? undefined : textDelta(bytes, from, end);
    if (text !== undefined) {
      this.contentEvents += 1;
      this.content?.text(text);
      this.#text(text);
      return;
    }
    if (name === 'ping') {
      this.pings += 1;
      return;
    }
    const data = bytes.slice(from, end);
    const event = parseObject(data);
    if (event === undefined) {
      this.malformed ||= !atEnd && !this.stopped;
    } else if (event.type === 'ping') {
      this.pings += 1;
    } else if (!this.stopped || isNews(event.type ?? name, event)) {
      this.contentEvents += 1;
      this.#readEvent(name, event, data);
    }
  }

  /** From now on nothing reaches the sink or the meter, also not from what is already in hand. */
  halt(): void {
    this.#halted = true;
  }

  #readEvent(name: string, event: Json, data: string): void {
    switch (event.type ?? name) {
      case 'content_block_delta':
        if (this.#readDelta(object(event.delta))) return;
        break;
      case 'content_block_start':
        this.#stopThinking();
        this.#event(data);
        this.#readBlock(object(event.content_block));
        return;
      case 'content_block_stop':
        this.#stopThinking();
        break;
      case 'message_start':
        this.#begin(object(event.message), data);
        return;
      case 'message_delta':
        this.stopReason = identifier(object(event.delta).stop_reason) ?? this.stopReason;
        this.#readRefusal(object(event.delta));
        this.#meter.messageTotals(object<ReportedUsage>(event.usage));
        break;
      case 'message_stop':
        this.stopped = true;
        this.#stopThinking();
        this.#meter.messageStopped();
        break;
      default:
        if (event.type === 'error' || name === 'error' || isErrorObject(event)) {
          if (!this.stopped) this.error = errorNames(event);
          return;
        }
    }
    this.#event(data);
  }

  /** A message may be whole from the start: a server tool's own steps come with their content and stop reason. */
  #begin(message: Json, data: string): void {
    this.began = true;
    this.stopped = false;
    this.model = modelName(message.model) ?? this.model;
    this.stopReason = identifier(message.stop_reason) ?? this.stopReason;
    const model = modelName(message.model) ?? this.#unnamed;
    this.#meter.messageStarted(object<ReportedUsage>(message.usage), model);
    this.#readRefusal(message);
    this.content?.begin();
    this.#sink.began();
    this.#event(data);
    if (Array.isArray(message.content)) for (const block of message.content) this.#readBlock(object(block));
    this.#stopThinking(); // blocks that come with their message are whole
  }

  /** The end of a message that the model refused: not an error of the API, which bills what it said until then. */
  #readRefusal({ stop_reason: reason, stop_details: details }: Json): void {
    if (reason !== 'refusal') return;
    this.#meter.refused();
    this.refusal = { category: identifier(object(details).category), partial: this.#hasText };
  }

  /** @returns whether it was a text delta, which is complete with that. */
  #readDelta(delta: Json): boolean {
    const meter = this.#meter;
    this.content?.delta(delta);
    switch (delta.type) {
      case 'text_delta':
        this.#text(wireText(delta.text));
        return true;
      case 'thinking_delta':
        meter.thinking.counted(countOf(delta.estimated_tokens));
        this.#thought(delta.thinking);
        break;
      case 'signature_delta':
        meter.thinking.signature(length(delta.signature));
        break;
      case 'input_json_delta':
        meter.toolInput(length(delta.partial_json));
        break;
      case 'citations_delta':
        meter.citation();
        break;
    }
    return false;
  }

  #readBlock(block: Json): void {
    this.content?.block(block);
    const type = typeof block.type === 'string' ? block.type : '';
    if (type === 'text') this.#text(wireText(block.text));
    else if (type === 'thinking') {
      this.#startThinking();
      this.#thought(block.thinking);
    } else if (type === 'redacted_thinking') {
      this.#startThinking();
      this.#meter.thinking.redacted(length(block.data));
      this.#stopThinking();
    } else if (type === 'fallback') this.#changeModel(object(block.to));
    else if (type.endsWith('tool_use')) this.#meterToolCall(block.input);
  }

  /** The model declined, and the server has another one go on. */
  #changeModel({ model }: Json): void {
    const next = modelName(model);
    if (next === null) return;
    this.model = next;
    this.#meter.modelChanged(next);
  }

  /** Also `server_tool_use` and `mcp_tool_use`. Results of server tools are input, not output. */
  #meterToolCall(input: unknown): void {
    this.#meter.toolCall();
    const given = JSON.stringify(input ?? {});
    if (given !== '{}') this.#meter.toolInput(given.length);
  }

  #text(json: WireText): void {
    if (json === '') return;
    this.#meter.text(json.length);
    this.#hasText = true;
    this.delivered = true;
    this.#sink.text(json);
  }

  #startThinking(): void {
    this.thinking = true;
    this.#meter.thinking.opened();
    if (!this.#allEvents) this.#sink.thinking();
  }

  #stopThinking(): void {
    if (this.thinking) this.#meter.thinking.closed();
    this.thinking = false;
  }

  #thought(text: unknown): void {
    this.#meter.thinking.text(length(text));
    const json = this.#showThinking ? wireText(text) : '';
    if (json !== '') this.#sink.thinking(json);
  }

  #event(data: string): void {
    if (!this.#allEvents) return;
    this.delivered = true;
    this.#sink.event(wellFormed(data));
  }
}

/**
 * Bytes as they stand if they are UTF-8, otherwise repaired with U+FFFD. A tab, which JSON has between values alone, becomes a
 * space: no other machine takes a control character.
 */
function wellFormed(bytes: string): WireText {
  const wire = (bytes.includes('\t') ? bytes.replaceAll('\t', ' ') : bytes) as WireText;
  return isUtf8(Buffer.from(bytes, 'latin1')) ? wire : toWire(fromWire(wire));
}

/** Whether an event after a finished message means something: another message, or what we do not know. */
function isNews(type: unknown, { message }: Json): boolean {
  if (type === 'message_start') return typeof message === 'object' && message !== null;
  return !OF_A_MESSAGE.has(type);
}

function parseObject(data: string): Json | undefined {
  try {
    // Decoded first: an escape beyond U+00FF cannot stand beside bytes.
    const value = parseJson(fromWire(data as WireText), BOUNDS);
    return typeof value === 'object' && value !== null ? (value as Json) : undefined;
  } catch {
    return undefined;
  }
}

function isErrorObject(event: Json): boolean {
  return event.type === undefined && typeof event.error === 'object' && event.error !== null;
}

function object<Shape extends object = Json>(value: unknown): Partial<Shape> {
  return typeof value === 'object' && value !== null ? (value as Partial<Shape>) : {};
}

/** The inside of a text's JSON string; '' where it is no text. */
function wireText(value: unknown): WireText {
  return toWire(typeof value === 'string' ? JSON.stringify(value).slice(1, -1) : '');
}

/** UTF-8 bytes. */
function length(value: unknown): number {
  return typeof value === 'string' ? Buffer.byteLength(value) : 0;
}

const BEFORE_INDEX = '{"type":"content_block_delta","index":';
const AFTER_INDEX = ',"delta":{"type":"text_delta","text":"';

const QUOTE = 34;
const BACKSLASH = 92;
const BRACE = 125;
const SPACE = 32;
const HEX4 = /^[0-9a-fA-F]{4}$/;

/**
 * Recognises a text delta of the usual shape without parsing it: its JSON string is passed on as it stands.
 * Anything out of the ordinary (other key order, spaces, a broken string) is `undefined`: the caller parses it.
 * Returns the inside of the delta's JSON string ('' for an empty one), from an event's data: `data`, latin1, from `from` to
 * `until`.
 */
export function textDelta(data: string, from = 0, until = data.length): WireText | undefined {
  if (!data.startsWith(BEFORE_INDEX, from)) return undefined;
  let at = from + BEFORE_INDEX.length;
  const digits = at;
  while (isDigit(data.charCodeAt(at))) at += 1;
  if (at === digits || !data.startsWith(AFTER_INDEX, at)) return undefined;
  const start = at + AFTER_INDEX.length;

  let end = start;
  let highest = 0;
  for (let code = data.charCodeAt(end); code !== QUOTE; code = data.charCodeAt(end)) {
    // What lies after the data, a line feed or NaN, fails this comparison as well.
    if (!(code >= SPACE)) return undefined;
    if (code === BACKSLASH) {
      const length = escapeLength(data, end);
      if (length === 0) return undefined;
      end += length;
    } else {
      if (code > highest) highest = code;
      end += 1;
    }
  }
  if (!closesTwoObjects(data, end + 1, until)) return undefined;
  const text = data.slice(start, end) as WireText;
  return highest < 0x80 || isUtf8(Buffer.from(text, 'latin1')) ? text : undefined;
}

/** Length of the escape sequence at `at`, 0 if it is none that JSON knows. */
function escapeLength(data: string, at: number): 0 | 2 | 6 {
  const code = data[at + 1];
  if (code === 'u') return HEX4.test(data.slice(at + 2, at + 6)) ? 6 : 0;
  return code !== undefined && '"\\/bfnrt'.includes(code) ? 2 : 0;
}

/** The API pads events with spaces before the last brace. */
function closesTwoObjects(data: string, from: number, until: number): boolean {
  const inner = skipSpaces(data, from);
  if (data.charCodeAt(inner) !== BRACE) return false;
  const outer = skipSpaces(data, inner + 1);
  return data.charCodeAt(outer) === BRACE && skipSpaces(data, outer + 1) === until;
}

function skipSpaces(data: string, from: number): number {
  let at = from;
  while (data.charCodeAt(at) === SPACE) at += 1;
  return at;
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}
