/** One request of a client of the AI SDK's WebSocket frames: the answer that it reads, as numbered chunks. */
import {
  chunkWire,
  endWire,
  type RequestPrefix,
  requestPrefix,
  startWire,
} from '../../ai-sdk/chat-frames.ts';
import type {
  AcceptedFrame,
  EndingFrame,
  ResumedFrame,
  ThinkingFrame,
  ToolFrame,
} from '../../protocol/frames.ts';
import type { WireText } from '../../protocol/wire-text.ts';
import { AnswerChunks } from './answer-chunks.ts';
import type { SentText, TextPosition, TextPositions } from './text-positions.ts';

/** Where a reader goes on: it holds the chunks up to that number, and, past the first two, the text up to that position. */
export interface HeldChunks {
  readonly lastSequence: number;
  readonly position?: TextPosition | undefined;
}

export class ChatReading {
  readonly requestId: string;
  readonly chatId: string;
  readonly asks: 'send' | 'resume';
  readonly prefix: RequestPrefix;
  /** The client wants no more of it: it stops the run. */
  isAborted = false;
  /** The stream that it follows, once that is known. */
  streamId: string | undefined;
  /** Its run, once the relay has said it: from then on there is something to read. */
  epoch: string | undefined;
  held: HeldChunks | undefined;
  readonly #positions: TextPositions;
  #chunks: AnswerChunks | undefined;
  #sent: SentText | undefined;
  #sequence = 0;

  constructor(requestId: string, chatId: string, asks: 'send' | 'resume', positions: TextPositions) {
    this.requestId = requestId;
    this.chatId = chatId;
    this.asks = asks;
    this.prefix = requestPrefix(requestId);
    this.#positions = positions;
  }

  opened(frame: AcceptedFrame | ResumedFrame): WireText[] {
    const chunks = new AnswerChunks(frame.id);
    const { lastSequence, position } = this.held ?? {};
    this.epoch = frame.epoch;
    this.#chunks = chunks;
    this.#sent = this.#positions.begin(frame.epoch, this.requestId);
    const start = startWire(this.prefix);
    if (lastSequence === undefined || position === undefined)
      return [start, ...this.#numbered(chunks.opened(frame))];
    chunks.continued(position.part);
    this.#sent.sent(lastSequence, position);
    this.#sequence = lastSequence + 1;
    return [start];
  }

  /** @param wire a chunk frame, whose last delta is numbered `seq` */
  text(wire: WireText, seq: number): WireText[] {
    if (this.#chunks === undefined) return [];
    const wires = this.#numbered(this.#chunks.text(wire));
    const { openText: part } = this.#chunks;
    if (part !== undefined) this.#sent?.sent(this.#sequence - 1, { seq, part });
    return wires;
  }

  meanwhile(frame: ThinkingFrame | ToolFrame): WireText[] {
    return this.#numbered(this.#chunks?.meanwhile(frame) ?? []);
  }

  /** Its last frames. */
  ended(frame: EndingFrame): WireText[] {
    return [...this.#numbered(this.#chunks?.ended(frame) ?? []), endWire(this.prefix)];
  }

  /** Without those that the client holds: the first two are the same each time. */
  #numbered(chunks: readonly WireText[]): WireText[] {
    const { lastSequence = -1 } = this.held ?? {};
    const wires: WireText[] = [];
    for (const chunk of chunks) {
      if (this.#sequence > lastSequence) wires.push(chunkWire(this.prefix, this.#sequence, chunk));
      this.#sequence += 1;
    }
    return wires;
  }
}
