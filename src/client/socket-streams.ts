/**
 * The streams of one door and what is said about them on its connection of the moment: questions from exactly where
 * each stream stands, stops, acknowledgements. What a frame means for a stream is the run's machine.
 */
import type { ChunkFrame, ClientFrame } from '../protocol/frames.ts';
import { createAcknowledger } from './acknowledger.ts';
import type { ClientClock } from './clock.ts';
import { type Failure, failure } from './dash-error.ts';
import type { Run } from './run.ts';
import type { SocketSession } from './socket-session.ts';
import type { StreamFrame } from './stream-state.ts';
import { utf8Length } from './utf8-length.ts';

export interface SocketStreams {
  readonly size: number;
  has(id: string): boolean;
  /** One of them is being delivered. */
  readonly following: boolean;
  add(run: Run): void;
  remove(run: Run): void;
  /** Hands all of them over, and keeps none. */
  release(): Run[];
  ask(run: Run): void;
  askAll(): void;
  /** False where there is nobody to tell, or it is not one of these. */
  cancel(run: Run): boolean;
  received(frame: StreamFrame): void;
  /** The connection is gone. */
  lost(): void;
  fail(why: Failure): void;
}

/** @param session the connection of the moment, once it is greeted */
export function createSocketStreams(
  clock: ClientClock,
  session: () => SocketSession | undefined,
): SocketStreams {
  const runs = new Map<string, Run>();
  const acks = createAcknowledger(clock, (frame) => session()?.send(frame));

  const cancel = (run: Run): boolean => {
    const { id } = run;
    const connection = session();
    if (!connection || runs.get(id) !== run) return false;
    connection.ask({ type: 'cancel', id });
    return true;
  };

  /** A stop goes right behind: a start that was lost is then stopped before it costs. */
  const ask = (run: Run): void => {
    const { id, request, state } = run;
    const { epoch, seq: after, stopping } = state;
    const frame = epoch ? { type: 'resume', id, epoch, after } : { type: 'start', id, ...request };
    if (utf8Length(JSON.stringify(frame)) > (session()?.hello?.limits.frameBytes ?? 0)) {
      run.fail(failure('too_large'));
    } else {
      run.dispatch({ type: 'ask' });
      session()?.ask(frame as ClientFrame & { readonly id: string });
      if (stopping) cancel(run);
    }
  };

  return {
    get size() {
      return runs.size;
    },
    get following() {
      return [...runs.values()].some(({ state }) => state.following);
    },
    has: (id) => runs.has(id),
    add: (run) => void runs.set(run.id, run),
    remove(run) {
      if (runs.get(run.id) === run) runs.delete(run.id);
    },
    release() {
      const all = [...runs.values()];
      runs.clear();
      return all;
    },
    ask,
    askAll() {
      for (const run of runs.values()) ask(run);
    },
    cancel,
    received(frame) {
      const { id = '', seq } = frame as ChunkFrame;
      const run = runs.get(id);
      if (seq) acks.held(id, seq);
      if (run?.dispatch(frame)?.type === 'ask') ask(run);
    },
    lost() {
      acks.reset();
      for (const run of runs.values()) run.dispatch({ type: 'lost' });
    },
    fail(why) {
      for (const run of runs.values()) run.fail(why);
    },
  };
}
