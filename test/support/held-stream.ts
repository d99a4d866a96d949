/**
 * What a client holds of one stream over any number of connections, and the rules of PROTOCOL.md for each of its
 * frames: whatever the relay may not send throws. It sends nothing and knows no socket.
 */
import type {
  AcceptedFrame,
  ChunkFrame,
  EndingFrame,
  ErrorFrame,
  EventFrame,
  ResumedFrame,
  ServerFrame,
  StartFrame,
  ThinkingFrame,
  ToolFrame,
} from '../../src/protocol/frames.ts';

/** A frame of the relay that is about one stream. */
export type StreamFrame =
  | AcceptedFrame
  | ChunkFrame
  | EventFrame
  | ThinkingFrame
  | ToolFrame
  | ResumedFrame
  | EndingFrame
  | (ErrorFrame & { readonly id: string });

type Asked = { readonly of: 'start' | 'resume'; readonly after: number };

export class HeldStream {
  readonly id: string;
  /** As it was sent, to be sent again if its answer was lost. */
  readonly startFrame: StartFrame;
  epoch: string | undefined;
  model: string | undefined;
  /** Last seq held. */
  seq = 0;
  text = '';
  readonly events: unknown[] = [];
  /** The model thinks, as far as this connection was told. */
  thinking = false;
  /** Tools in their latest states, as far as this connection was told since the last text. */
  readonly tools = new Map<number, ToolFrame['state']>();
  /** What it was told of what was thought, over all connections. */
  thought = '';
  ending: EndingFrame | undefined;
  /** Why it never began. */
  refusal: ErrorFrame | undefined;
  /** The connection's position; undefined while this connection does not follow the stream. */
  #position: number | undefined;
  #asked: Asked[] = [];
  #cancels = 0;
  /** How many endings this connection may still send. */
  #endingsDue = 0;

  constructor(startFrame: StartFrame, id: string) {
    this.startFrame = startFrame;
    this.id = id;
  }

  get over(): boolean {
    return this.ending !== undefined || this.refusal !== undefined;
  }

  /** A frame about this stream was sent. */
  asked(of: 'start' | 'resume' | 'cancel', after = 0): void {
    if (of === 'cancel') {
      this.#cancels += 1;
      this.#endingsDue += 1;
    } else {
      this.#asked.push({ of, after });
    }
  }

  /** Whether this connection reads it. */
  get isFollowed(): boolean {
    return this.#position !== undefined;
  }

  /** Whether such a frame waits for its answer. */
  isAsked(of: Asked['of']): boolean {
    return this.#asked.some((asked) => asked.of === of);
  }

  /** The same with nothing held, for a run that takes the place of one that is gone; what was asked stays to be answered. */
  anew(): HeldStream {
    const fresh = new HeldStream(this.startFrame, this.id);
    fresh.#position = this.#position;
    fresh.#asked = [...this.#asked];
    fresh.#cancels = this.#cancels;
    fresh.#endingsDue = this.#endingsDue;
    return fresh;
  }

  /** The relay cannot go on with it on this connection: a gap that no frame of the client asked for. */
  cutOff(): void {
    this.#position = undefined;
    this.#interludeOver();
    this.#endingsDue -= 1;
  }

  connectionLost(): void {
    this.#position = undefined;
    this.#interludeOver();
    this.#asked = [];
    this.#cancels = 0;
    this.#endingsDue = 0;
  }

  /**
   * Takes the next frame of this connection.
   * @returns `gap` where a client has to resume: a frame that neither continues nor repeats what it holds
   * @throws Error where the relay broke a rule
   */
  take(frame: StreamFrame): 'gap' | undefined {
    switch (frame.type) {
      case 'accepted':
        return this.#accepted(frame);
      case 'resumed':
        return this.#resumed(frame);
      case 'chunk':
      case 'event':
        return this.#delta(frame);
      case 'thinking':
        return this.#thinks(frame);
      case 'tool':
        return this.#usesTool(frame);
      case 'error':
        return frame.of === undefined ? this.#ended(frame as EndingFrame) : this.#refused(frame, frame.of);
      default:
        return this.#ended(frame);
    }
  }

  #accepted(frame: AcceptedFrame): undefined {
    this.#answered(frame, (asked) => asked.of === 'start');
    if (this.epoch !== undefined) broken('a run was accepted twice', frame);
    this.epoch = frame.epoch;
    this.model = frame.model;
    this.#follow(0);
  }

  #resumed(frame: ResumedFrame): undefined {
    this.#answered(frame, (asked) => asked.after === frame.after);
    if (this.epoch !== undefined && frame.epoch !== this.epoch)
      broken('the epoch changed within a run', frame);
    if (frame.head < this.seq) broken(`the head lies before ${this.seq}, which was sent`, frame);
    if (frame.head < frame.after) broken('the head lies before `after`', frame);
    this.epoch = frame.epoch;
    this.model = frame.model;
    this.#follow(frame.after);
  }

  #follow(position: number): void {
    this.#position = position;
    this.#interludeOver();
    this.#endingsDue += 1;
  }

  #delta(frame: ChunkFrame | EventFrame): 'gap' | undefined {
    const before = frame.seq - (frame.type === 'chunk' ? (frame.count ?? 1) : 1);
    if (this.#position === undefined) broken('a delta of a stream that is not followed', frame);
    if (before !== this.#position) broken(`a gap or a repetition behind ${this.#position}`, frame);
    this.#position = frame.seq;
    this.#interludeOver();
    if (frame.seq <= this.seq) return undefined;
    if (before !== this.seq) return 'gap';
    this.seq = frame.seq;
    if (frame.type === 'chunk') this.text += frame.content;
    else this.events.push(frame.event);
    return undefined;
  }

  #thinks(frame: ThinkingFrame): undefined {
    if (this.#position === undefined) broken('thinking of a stream that is not followed', frame);
    if (this.startFrame.events === 'all') broken('thinking beside its events', frame);
    if (this.thinking !== (frame.content !== undefined))
      broken(this.thinking ? 'thinking was told twice' : 'what is thought, before that it thinks', frame);
    this.thinking = true;
    this.thought += frame.content ?? '';
  }

  #usesTool(frame: ToolFrame): undefined {
    if (this.#position === undefined) broken('a tool of a stream that is not followed', frame);
    if (this.startFrame.events === 'all') broken('a tool beside its events', frame);
    const before = this.tools.get(frame.call);
    if (before !== undefined && before !== 'running') broken('a call that was over', frame);
    if (before === frame.state) broken('the same state of a call, twice', frame);
    this.tools.set(frame.call, frame.state);
    this.thinking = false;
  }

  #interludeOver(): void {
    this.thinking = false;
    this.tools.clear();
  }

  #ended(frame: EndingFrame): undefined {
    this.#interludeOver();
    if (this.#endingsDue === 0) broken('an ending too many', frame);
    this.#endingsDue -= 1;
    if (this.#position !== undefined && frame.seq !== this.#position) {
      broken(`an ending behind ${this.#position}`, frame);
    }
    this.#position = undefined;
    if (this.ending === undefined) this.ending = frame;
    else if (JSON.stringify(this.ending) !== JSON.stringify(frame)) broken('another ending', frame);
    if (frame.seq === this.seq) this.#checkTotals(frame);
  }

  /** What the receipt says of the text, once all of it is held. */
  #checkTotals(frame: EndingFrame): void {
    if (frame.type === 'error') return;
    const { textLength, timing } = frame;
    if (textLength !== this.text.length) broken(`textLength is not ${this.text.length}`, frame);
    if (timing.chunks !== this.seq) broken(`timing.chunks is not ${this.seq}`, frame);
    if (this.text.isWellFormed() && timing.bytes !== Buffer.byteLength(this.text)) {
      broken(`timing.bytes is not ${Buffer.byteLength(this.text)}`, frame);
    }
  }

  #refused(frame: ErrorFrame, of: NonNullable<ErrorFrame['of']>): undefined {
    if (of === 'cancel') {
      if (this.#cancels === 0) broken('an answer to no cancel', frame);
      this.#cancels -= 1;
      this.#endingsDue -= 1;
    } else if (this.#isUnaskedGap(frame)) {
      this.cutOff();
    } else if (of !== 'ack') {
      this.#answered(frame, (asked) => asked.of === of);
    }
    if (of === 'start' && this.epoch === undefined) this.refusal = frame;
  }

  /** What is read here and cannot be read on is told so, without a `resume` before it (rule 7). */
  #isUnaskedGap({ of, code }: ErrorFrame): boolean {
    return of === 'resume' && code === 'resume_gap' && this.isFollowed && !this.isAsked('resume');
  }

  #answered(frame: ServerFrame, matches: (asked: Asked) => boolean): void {
    const at = this.#asked.findIndex(matches);
    if (at < 0) broken('an answer to nothing', frame);
    this.#asked.splice(at, 1);
  }
}

function broken(rule: string, frame: ServerFrame): never {
  throw new Error(`the relay broke the protocol: ${rule}: ${JSON.stringify(frame).slice(0, 500)}`);
}
