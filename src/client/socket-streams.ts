/**
 * The streams of one socket transport and what is said about them on its connection of the moment: questions from exactly where
 * each stream stands, stops, acknowledgements. What a frame means for a stream is `stream-state.ts`.
 */
import type {
  ChunkFrame,
  ClientFrame,
  ErrorFrame,
  StreamFrame as ListedFrame,
  StreamsFrame,
} from '../protocol/frames.ts';
import { boundedMs } from '../protocol/retry-after.ts';
import { createAcknowledger } from './acknowledger.ts';
import type { ClientStream } from './client-stream.ts';
import { type Failure, failure } from './dash-error.ts';
import type { ClientClock } from './platform.ts';
import { utf8Length } from './platform.ts';
import type { SocketSession } from './socket-session.ts';
import type { StreamFrame } from './stream-state.ts';

/** Where the relay does not say when, ms. */
const AGAIN_MS = 2000;

/** Hears which streams there are. */
export type Listener = (frame: ListedFrame | StreamsFrame) => void;

export interface SocketStreams {
  /** Who needs the connection: streams, and who listens which there are. */
  readonly size: number;
  /** Resolves when the connection does not tell any more. */
  listen(listener: Listener): Promise<void>;
  unlisten(): void;
  /** Asks for the list, where somebody listens. */
  watch(): void;
  has(id: string): boolean;
  /** One of them is being delivered. */
  readonly following: boolean;
  add(stream: ClientStream): void;
  remove(stream: ClientStream): void;
  /** Hands all of them over, and keeps none. */
  release(): ClientStream[];
  ask(stream: ClientStream): void;
  askAll(): void;
  /** False where there is no connection to tell it by, or it is not one of these. */
  cancel(stream: ClientStream): boolean;
  received(frame: StreamFrame | ListedFrame | StreamsFrame): void;
  /** The connection is gone. */
  lost(): void;
  fail(why: Failure): void;
}

/** @param session the connection of the moment, once its `hello` has come */
export function createSocketStreams(
  clock: ClientClock,
  session: () => SocketSession | undefined,
): SocketStreams {
  const streams = new Map<string, ClientStream>();
  let listening: { readonly heard: Listener; readonly over: () => void } | undefined;
  const unlisten = (): void => {
    listening?.over();
    listening = undefined;
  };
  const watch = (): void => {
    if (listening) session()?.send({ type: 'watch' });
  };
  const acks = createAcknowledger(clock, (frame) => session()?.send(frame));

  const cancel = (stream: ClientStream): boolean => {
    const { id } = stream;
    const connection = session();
    if (!connection || streams.get(id) !== stream) return false;
    connection.ask({ type: 'cancel', id });
    return true;
  };

  /** A stop follows at once: a start that was lost is then stopped before it costs. */
  const ask = (stream: ClientStream): void => {
    const { id, request, state } = stream;
    const { epoch, seq: after, stopping, startable } = state;
    const isKnown = epoch || !startable;
    const { keepsAnswers, limits } = session()?.hello ?? {};
    const fresh = (keepsAnswers && stream.fresh) || undefined; // relays of before know no such field
    const frame = isKnown ? { type: 'resume', id, epoch, after } : { type: 'start', id, fresh, ...request };
    if (utf8Length(JSON.stringify(frame)) > (limits?.frameBytes ?? 0)) {
      stream.fail(failure('too_large'));
    } else {
      stream.dispatch({ type: 'ask' });
      session()?.ask(frame as ClientFrame & { readonly id: string });
      if (stopping) cancel(stream);
    }
  };

  /** Where what is held cannot be had at the moment: for as long as the stream may be without contact. */
  const askLater = (stream: ClientStream, { retryAfterMs }: ErrorFrame): void => {
    clock.after(boundedMs(retryAfterMs) || AGAIN_MS, () => {
      if (streams.get(stream.id) === stream && !stream.state.following && session()) ask(stream);
    });
  };

  return {
    get size() {
      return streams.size + (listening ? 1 : 0);
    },
    listen(heard) {
      unlisten();
      return new Promise((over) => {
        listening = { heard, over };
        watch();
      });
    },
    unlisten,
    watch,
    get following() {
      return [...streams.values()].some(({ state }) => state.following);
    },
    has: (id) => streams.has(id),
    add: (stream) => void streams.set(stream.id, stream),
    remove(stream) {
      if (streams.get(stream.id) === stream) streams.delete(stream.id);
    },
    release() {
      const all = [...streams.values()];
      streams.clear();
      unlisten();
      return all;
    },
    ask,
    askAll() {
      for (const stream of streams.values()) ask(stream);
      watch();
    },
    cancel,
    received(frame) {
      if (frame.type === 'stream' || frame.type === 'streams') return listening?.heard(frame);
      const { id = '', seq } = frame as ChunkFrame;
      const stream = streams.get(id);
      if (seq) acks.held(id, seq);
      const isRefused = frame.type === 'error' && frame.of === 'resume' && frame.code === 'unavailable';
      if (stream && isRefused) askLater(stream, frame);
      else if (stream?.received(frame)?.type === 'ask') ask(stream);
    },
    lost() {
      acks.reset();
      for (const stream of streams.values()) stream.dispatch({ type: 'lost' });
    },
    fail(why) {
      for (const stream of streams.values()) stream.fail(why);
      unlisten();
    },
  };
}
