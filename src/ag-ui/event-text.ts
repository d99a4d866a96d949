/** An answer's frames as AG-UI's server-sent events: `data:` lines alone, each with one event as JSON. */
import type { AcceptedFrame, EndingFrame, ThinkingFrame, ToolFrame } from '../protocol/frames.ts';
import type { RelayError } from '../protocol/relay-error.ts';
import {
  chunkJson,
  decodeFrame,
  textOfWire,
  toWire,
  utf16Length,
  type WireText,
} from '../protocol/wire-text.ts';
import { EventBuilder, type Names } from './event-builder.ts';
import type { AgUiEvent } from './events.ts';

/** The texts of one answer's events. */
export class EventText {
  readonly #events: EventBuilder;
  readonly #delta: WireText;
  /** UTF-16 code units of the text to come that the client has already. */
  #held: number;

  /** @param held UTF-16 code units of the answer that the client holds: what follows is the text after them */
  constructor(names: Names, held: number) {
    this.#events = new EventBuilder(names);
    this.#held = held;
    this.#delta =
      `data: {"type":"TEXT_MESSAGE_CONTENT","messageId":"${names.streamId}","delta":"` as WireText;
  }

  opened(frame: Pick<AcceptedFrame, 'epoch' | 'model' | 'warning'>): WireText {
    return linesOf(this.#events.opened(frame));
  }

  /** Of a chunk frame. */
  chunk(wire: WireText): WireText {
    const json = this.#held === 0 ? chunkJson(wire) : this.#afterHeld(chunkJson(wire));
    if (json === '') return json;
    return `${linesOf(this.#events.textBegins())}${this.#delta}${json}"}\n\n` as WireText;
  }

  /** Of a thinking frame, after the delta of that number. */
  thinking(wire: WireText, after: number): WireText {
    const { content } = decodeFrame<ThinkingFrame>(wire);
    return linesOf(this.#events.thinking(after, content));
  }

  /** Of a tool frame. */
  tool(wire: WireText): WireText {
    return linesOf(this.#events.tool(decodeFrame<ToolFrame>(wire)));
  }

  ended(frame: EndingFrame): WireText {
    return linesOf(this.#events.ended(frame));
  }

  failed({ told }: RelayError): WireText {
    return linesOf(this.#events.failed(told));
  }

  #afterHeld(json: WireText): WireText {
    const units = utf16Length(json);
    const skipped = Math.min(units, this.#held);
    this.#held -= skipped;
    if (skipped === units) return '' as WireText;
    return toWire(JSON.stringify(textOfWire(json).slice(skipped)).slice(1, -1));
  }
}

function linesOf(events: readonly AgUiEvent[]): WireText {
  return toWire(events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join(''));
}
