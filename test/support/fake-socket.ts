import type { ConnectionEvents, FrameSocket } from '../../src/connection/port.ts';
import type { CloseCode } from '../../src/protocol/codes.ts';
import type { ServerFrame } from '../../src/protocol/frames.ts';
import { fromWire, type WireText } from '../../src/protocol/wire-text.ts';
import { debugFrame } from './debug-frames.ts';
import { noteActivity } from './quiet.ts';

type FrameOf<T extends ServerFrame['type']> = Extract<ServerFrame, { type: T }>;

/** A socket in memory: keeps what the core wrote, can stop draining, and lets a test play the client. */
export class FakeSocket implements FrameSocket {
  readonly frames: ServerFrame[] = [];
  /** One entry a write: how many frames left in it. */
  readonly writes: number[] = [];
  pings = 0;
  closedWith: { readonly code: CloseCode; readonly reason: string } | undefined;
  bufferedBytes = 0;
  /** Whether the client answers pings. */
  answersPings = true;
  /** While true nothing drains. */
  stalled = false;
  #events: ConnectionEvents | undefined;
  #gone = false;

  attach(events: ConnectionEvents): this {
    this.#events = events;
    return this;
  }

  write(frames: readonly WireText[]): void {
    noteActivity();
    this.writes.push(frames.length);
    for (const wire of frames) {
      const frame = JSON.parse(fromWire(wire)) as ServerFrame;
      debugFrame('received', frame);
      this.frames.push(frame);
      if (this.stalled) this.bufferedBytes += wire.length;
    }
  }

  ping(text = ''): void {
    noteActivity();
    this.pings += 1;
    if (this.answersPings) this.pong(text);
  }

  /** The client answers, perhaps what nobody asked. */
  pong(text: string): void {
    this.#events?.pong(text);
  }

  close(code: CloseCode, reason: string): void {
    noteActivity();
    this.closedWith = { code, reason };
    setImmediate(() => this.drop(code));
  }

  send(frame: unknown): void {
    const text = typeof frame === 'string' ? frame : JSON.stringify(frame);
    debugFrame('sent', text);
    this.#events?.received(text);
  }

  drain(): void {
    this.stalled = false;
    this.bufferedBytes = 0;
    this.#events?.drained();
  }

  /** The client is gone. */
  drop(code = 1006): void {
    if (this.#gone) return;
    this.#gone = true;
    noteActivity();
    this.#events?.closed(code);
  }

  of<T extends ServerFrame['type']>(type: T): FrameOf<T>[] {
    return this.frames.filter((frame): frame is FrameOf<T> => frame.type === type);
  }

  /** The text of one stream as its client holds it. Checks that seqs are gapless. */
  text(id: string, after = 0): string {
    let seq = after;
    let text = '';
    for (const frame of this.frames) {
      if ((frame.type !== 'chunk' && frame.type !== 'event') || frame.id !== id || frame.seq <= seq) continue;
      const count = frame.type === 'chunk' ? (frame.count ?? 1) : 1;
      if (frame.seq - count !== seq) throw new Error(`gap: held ${seq}, got ${frame.seq} (${count})`);
      seq = frame.seq;
      if (frame.type === 'chunk') text += frame.content;
    }
    return text;
  }

  /** Endings of one stream: exactly one is right. */
  endings(id: string): ServerFrame[] {
    return this.frames.filter(
      (frame) =>
        (frame.type === 'done' ||
          frame.type === 'cancelled' ||
          (frame.type === 'error' && frame.of === undefined)) &&
        frame.id === id,
    );
  }
}
