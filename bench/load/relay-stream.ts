/** One stream as a client under load sees it, and the frames about it that are not chunks. */
import { nowMicros } from '../stamp.ts';
import { promptOf } from './client.ts';
import type { LoadOptions } from './port.ts';

export interface Stream {
  readonly name: string;
  readonly startSentAt: number;
  /** As it is sent for the first time, and again. */
  readonly startFrame: string;
  readonly startAgainFrame: string;
  readonly cancelAt: number;
  cancelSentAt: number | null;
  /** The run, once it is accepted. */
  epoch: string | null;
  /** Highest seq read and highest acknowledged. */
  held: number;
  acked: number;
  /** Frames since the last ack. */
  frames: number;
  /** When its resume was sent; null unless the first missing frame is awaited. */
  resumeSentAt: number | null;
}

/** The fields of server frames that matter here. */
export interface RelayFrame {
  readonly type: string;
  readonly id?: string;
  readonly of?: string;
  readonly epoch?: string;
  readonly seq?: number;
  readonly head?: number;
  readonly keepsAnswers?: true;
  readonly code?: string;
  readonly timing?: { readonly upstreamClosedMs?: number };
}

/** To be started now. @param keepsAnswers as `hello` said it: the SDK says then that its start is fresh */
export function newStream(
  name: string,
  { deltasPerSecond, cancelAfter }: LoadOptions,
  keepsAnswers: boolean,
): Stream {
  const messages = [{ role: 'user', content: promptOf(name, deltasPerSecond) }];
  const frame = { type: 'start', id: name, action: 'chat', messages };
  return {
    name,
    startSentAt: nowMicros(),
    startFrame: JSON.stringify(keepsAnswers ? { ...frame, fresh: true } : frame),
    startAgainFrame: JSON.stringify(frame),
    cancelAt: pickWithin(cancelAfter),
    cancelSentAt: null,
    epoch: null,
    held: 0,
    acked: 0,
    frames: 0,
    resumeSentAt: null,
  };
}

/** Acknowledges what it holds. */
export function ackOf(stream: Stream): string {
  stream.acked = stream.held;
  stream.frames = 0;
  return `{"type":"ack","id":"${stream.name}","seq":${stream.held}}`;
}

export function resumeOf({ name, held }: Stream, epoch: string): string {
  return JSON.stringify({ type: 'resume', id: name, epoch, after: held });
}

function pickWithin(range: readonly [number, number] | undefined): number {
  if (range === undefined) return Infinity;
  const [least, most] = range;
  return least + Math.floor(Math.random() * (most - least + 1));
}
