/** One device of a user: a connection at a time, and what it holds of each stream. It believes no frame. */
import type { EndingFrame, ServerFrame, StartFrame } from '../../src/protocol/frames.ts';
import type { FakeSocket } from '../support/fake-socket.ts';
import { HeldStream, type StreamFrame } from '../support/held-stream.ts';
import type { Process } from './machine.ts';

/** Judges what a device is told. */
export interface Judge {
  /** The relay told the device this of a stream, and the device has taken it. @throws Error where it may not */
  told(device: Device, stream: HeldStream, frame: StreamFrame): void;
}

export class Device {
  readonly name: string;
  readonly userId: string;
  readonly streams = new Map<string, HeldStream>();
  /** Where it is connected. */
  process: Process | undefined;
  socket: FakeSocket | undefined;
  /** Acks past the head on this connection: the fifth closes it. */
  badAcks = 0;
  readonly #judge: Judge;
  #read = 0;
  /** Streams of which a gap was told while a `resume` waited: it may have been the answer, or not. */
  readonly #ambiguous = new Set<string>();

  constructor(name: string, userId: string, judge: Judge) {
    this.name = name;
    this.userId = userId;
    this.#judge = judge;
  }

  connect(process: Process): void {
    this.process = process;
    this.socket = process.connect(this.userId);
    this.badAcks = 0;
    this.#read = 0;
    this.#ambiguous.clear();
  }

  /**
   * Its connection ends. `arrives`: what was written last still arrives; `silently`: the relay has to find out by itself.
   */
  leave({
    arrives = true,
    silently = false,
  }: {
    readonly arrives?: boolean;
    readonly silently?: boolean;
  } = {}): void {
    const { socket } = this;
    if (socket === undefined) return;
    if (arrives) this.read();
    this.#forgetConnection();
    if (silently) socket.answersPings = false;
    else socket.drop();
  }

  /** The machine it was connected to is gone without a farewell. */
  loseMachine(lastArrives: boolean): void {
    if (lastArrives) this.read();
    this.#forgetConnection();
  }

  /** Sends it, if there is a connection. */
  send(frame: Readonly<Record<string, unknown>>): void {
    const { type, id, after } = frame;
    if (this.socket === undefined || typeof id !== 'string') return;
    const known = this.streams.get(id) ?? new HeldStream(frame as unknown as StartFrame, id);
    // A refused one may be asked for again.
    const isRefused = known.refusal !== undefined && known.epoch === undefined;
    const stream = type === 'start' && isRefused ? known.anew() : known;
    this.streams.set(id, stream);
    if (type === 'start' || type === 'resume' || type === 'cancel')
      stream.asked(type, typeof after === 'number' ? after : 0);
    this.socket.send(frame);
  }

  /** Takes what has arrived. Returns the frames. */
  read(): readonly ServerFrame[] {
    const { socket } = this;
    if (socket === undefined) return [];
    const frames = socket.frames.slice(this.#read);
    this.#read = socket.frames.length;
    for (const frame of frames) this.#take(frame);
    if (socket.closedWith !== undefined || this.process?.isGone) this.#closed(socket);
    return frames;
  }

  #closed(socket: FakeSocket): void {
    const code = socket.closedWith?.code;
    if (code === 4400 && this.badAcks < 5) throw new Error('closed for bad frames that were not sent');
    if (code !== undefined && ![1001, 4400, 4408, 4503].includes(code))
      throw new Error(`closed with ${code}`);
    this.#forgetConnection();
  }

  #forgetConnection(): void {
    this.socket = undefined;
    this.process = undefined;
    for (const stream of this.streams.values()) stream.connectionLost();
  }

  #take(frame: ServerFrame): void {
    if (!('id' in frame) || frame.id === undefined) {
      if (frame.type === 'error') throw new Error(`an error for nothing: ${JSON.stringify(frame)}`);
      return;
    }
    const held = this.streams.get(frame.id);
    if (held === undefined) throw new Error(`a stream of somebody else: ${JSON.stringify(frame)}`);
    if (this.#isUnaskedGap(held, frame)) {
      held.cutOff();
      this.#judge.told(this, held, frame as StreamFrame);
      return;
    }
    const stream = this.#standing(held, frame as StreamFrame);
    stream.take(frame as StreamFrame);
    this.#judge.told(this, stream, frame as StreamFrame);
  }

  #isUnaskedGap(held: HeldStream, frame: ServerFrame): boolean {
    if (frame.type !== 'error' || frame.of !== 'resume' || frame.code !== 'resume_gap') return false;
    if (!held.isAsked('resume')) return true;
    if (held.isFollowed) this.#ambiguous.add(held.id);
    return false;
  }

  /** What takes the frame: another holding where the run is not the one that was held, or less is left of it. */
  #standing(held: HeldStream, frame: StreamFrame): HeldStream {
    const isAnswer = frame.type === 'resumed' || (frame.type === 'error' && frame.of === 'resume');
    if (isAnswer && !held.isAsked('resume') && !held.isAsked('start') && this.#ambiguous.delete(held.id))
      held.asked('resume', frame.type === 'resumed' ? frame.after : 0);
    if (!supersedes(held, frame)) return held;
    const fresh = held.anew();
    if (frame.type !== 'accepted') fresh.epoch = frame.type === 'resumed' ? frame.epoch : held.epoch;
    this.streams.set(held.id, fresh);
    return fresh;
  }
}

function supersedes(held: HeldStream, frame: StreamFrame): boolean {
  if (frame.type === 'accepted') return held.epoch !== undefined;
  if (frame.type === 'resumed')
    return held.epoch !== undefined && (frame.epoch !== held.epoch || frame.head < held.seq);
  return (
    isEnding(frame) && held.ending !== undefined && JSON.stringify(held.ending) !== JSON.stringify(frame)
  );
}

export function isEnding(frame: ServerFrame): frame is EndingFrame {
  if (frame.type === 'error') return frame.id !== undefined && frame.of === undefined;
  return frame.type === 'done' || frame.type === 'cancelled';
}
