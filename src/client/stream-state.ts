/**
 * One stream as its client sees it: a pure state machine. No I/O, no clock, no text: what is held is counted, not kept.
 *
 *   connecting ──accepted──► thinking ──chunk──► streaming ──done──► done · cancelled · failed · detached
 *                               │                    │
 *                               └────────lost────────┴──► reconnecting ──resumed──► thinking · streaming
 *
 * The phase follows from the other fields (`phaseOf`), so that it cannot contradict them. `stop` shows as `stopping`
 * from any of them until the ending comes.
 *
 * Exactly once, by PROTOCOL.md rule 3: with `n` held, a frame is taken whose `seq - count` is `n`, dropped if its
 * `seq` is `n` or less; on anything else the stream is asked for again from `n`. From that question until its answer
 * nothing counts: what arrives in between was sent before. A run that is gone after text was shown is never started
 * again: that would be a second answer, and a second bill.
 */
import type {
  AcceptedFrame,
  CancelledFrame,
  ChunkFrame,
  DoneFrame,
  EndingFrame,
  ErrorFrame,
  EventFrame,
  ResumedFrame,
  ThinkingFrame,
  ToolFrame,
} from '../protocol/frames.ts';
import { type Failure, failure } from './dash-error.ts';

export type Phase =
  | 'idle'
  | 'connecting'
  | 'thinking'
  | 'streaming'
  | 'reconnecting'
  | 'stopping'
  | 'done'
  | 'cancelled'
  | 'failed'
  | 'detached';

export type Outcome = 'done' | 'cancelled' | 'failed' | 'detached';

export interface StreamState {
  /** A start or resume was sent at least once: the relay may have a run. */
  readonly asked: boolean;
  /** The last question was answered: frames count. */
  readonly following: boolean;
  readonly stopping: boolean;
  readonly outcome: Outcome | undefined;
  /** Whether `start` may be sent: not for a stream that was attached by id alone. */
  readonly startable: boolean;
  readonly epoch: string | undefined;

  /** Seq of the last delta held. */
  readonly seq: number;
  /** UTF-16 code units of text held. */
  readonly length: number;
  /** The model was thinking when it was last heard of. */
  readonly thinking: boolean;
  /** Calls of tools since the last text, by number. */
  readonly tools: Readonly<Record<number, ToolFrame>>;
  /** The connection was lost since the last answer. */
  readonly lost: boolean;
  /** How often the stream went on after a loss. */
  readonly resumes: number;
  /** Questions in a row that brought nothing: a relay that contradicts itself is not asked for ever. */
  readonly gaps: number;
}

export type StreamFrame =
  | AcceptedFrame
  | ResumedFrame
  | ChunkFrame
  | EventFrame
  | ThinkingFrame
  | ToolFrame
  | DoneFrame
  | CancelledFrame
  | ErrorFrame;

export type StreamEvent =
  /** A start or resume leaves now. `silent`: all that will be told of it is the end (JSON). */
  | { readonly type: 'ask'; readonly silent?: boolean }
  /** The connection, or the request, is gone. */
  | { readonly type: 'lost' }
  /** All text of the run that there is, from its beginning. */
  | { readonly type: 'whole'; readonly content: string; readonly seq: number }
  | { readonly type: 'stop' }
  /** The model was stopped. `ending` is what the relay says of it; absent where it has no such run, or could not be asked. */
  | { readonly type: 'stopped'; readonly ending?: EndingFrame | undefined }
  | { readonly type: 'detach' }
  /** The client gives up. */
  | { readonly type: 'fail'; readonly failure: Failure }
  | StreamFrame;

/** Events of the client's own: a frame that a later relay calls so is none of them. */
const OWN: Record<Exclude<StreamEvent['type'], StreamFrame['type']>, 1> = {
  ask: 1,
  lost: 1,
  whole: 1,
  stop: 1,
  stopped: 1,
  detach: 1,
  fail: 1,
};

export const isOwn = (type: string): boolean => type in OWN;

export type Effect =
  | { readonly type: 'text'; readonly text: string }

  /** Ask again, from what is held. */
  | { readonly type: 'ask' }

  /** The end. `frame` is absent where the client stopped before anything was sent, or let go. */
  | {
      readonly type: 'settled';
      readonly frame?: DoneFrame | CancelledFrame | undefined;
      readonly failure?: Failure;
    };

export type Step = readonly [StreamState, Effect?];

const MAX_GAPS = 3;

/** `epoch` and `seq`: where a stream is taken up again that was begun elsewhere. */
export function initialState(at?: { epoch: string | undefined; seq: number; length: number }): StreamState {
  return {
    asked: false,
    following: false,
    stopping: false,
    thinking: false,
    tools: {},
    lost: false,
    outcome: undefined,
    resumes: 0,
    gaps: 0,
    startable: !at,
    epoch: undefined,
    seq: 0,
    length: 0,
    ...at,
  };
}

/** Of a stream, or of none. */
export function phaseOf(state?: StreamState): Phase {
  if (!state) return 'idle';
  if (state.outcome) return state.outcome;
  if (state.stopping) return 'stopping';

  if (state.following) return state.length > 0 ? 'streaming' : 'thinking';
  return state.lost || state.gaps > 0 ? 'reconnecting' : 'connecting';
}

export function step(state: StreamState, event: StreamEvent): Step {
  if (state.outcome) return [state];
  switch (event.type) {
    case 'ask':
      return [{ ...state, asked: true, following: event.silent === true }];

    case 'lost':
      return [{ ...state, following: false, lost: state.asked }];
    case 'stop':
      return state.asked ? [{ ...state, stopping: true }] : settle(state, 'cancelled');
    case 'stopped':
      return stopped(state, event.ending);
    case 'detach':
      return settle(state, 'detached', {
        failure: failure('detached'),
      });
    case 'fail':
      return fail(state, event.failure);
    case 'accepted':
    case 'resumed':
      return followed(state, event);
    case 'whole':
      return wholeText(state, event.content, event.seq);
    case 'error':
      return event.of ? refused(state, event) : ending(state, event);
    case 'thinking':
      return [state.following ? { ...state, thinking: true } : state];
    case 'tool':
      return [
        state.following
          ? { ...state, thinking: false, tools: { ...state.tools, [event.call]: event } }
          : state,
      ];
    case 'chunk':
    case 'event':
    case 'done':
    case 'cancelled':
      return state.following ? numbered(state, event) : [state];
    default:
      return [state]; // a frame of a later relay
  }
}

function numbered(state: StreamState, frame: ChunkFrame | EventFrame | DoneFrame | CancelledFrame): Step {
  if (frame.type === 'done' || frame.type === 'cancelled') return ending(state, frame);
  if (frame.seq <= state.seq) return [state];
  const count = frame.type === 'chunk' ? (frame.count ?? 1) : 1;
  if (frame.seq - count !== state.seq) return gap(state);
  const next = { ...state, seq: frame.seq, gaps: 0, thinking: false, tools: {} };
  if (frame.type === 'event') return [next];
  return [
    { ...next, length: state.length + frame.content.length },
    { type: 'text', text: frame.content },
  ];
}

function followed(state: StreamState, { epoch }: AcceptedFrame | ResumedFrame): Step {
  if (state.seq > 0 && state.epoch && state.epoch !== epoch) return interrupted(state);
  const resumes = state.resumes + (state.lost ? 1 : 0);
  return [{ ...state, epoch, following: true, thinking: false, tools: {}, lost: false, resumes }];
}

/** The same text came from the same log by every transport, so that what is held is its beginning. */
function wholeText(state: StreamState, content: string, seq: number): Step {
  const text = content.slice(state.length);
  const next = {
    ...state,
    following: true,
    seq: Math.max(seq, state.seq),
    length: state.length + text.length,
  };
  return text === '' ? [next] : [next, { type: 'text', text }];
}

/** An ending carries the head: what is not held by then was missed. */
function ending(state: StreamState, frame: DoneFrame | CancelledFrame | ErrorFrame): Step {
  if (!state.following) return [state];
  if ((frame.seq ?? 0) > state.seq) return gap(state);
  if (frame.type === 'error') return fail(state, frame);
  return settle(state, frame.type, { frame });
}

/** The end of a stream that is not read to its end: a whole answer only where all of it is held. */
function stopped(state: StreamState, ending?: EndingFrame): Step {
  if (ending?.type === 'error') return fail(state, ending);
  if (ending?.type === 'done' && ending.textLength !== state.length) {
    return settle(state, 'cancelled', { frame: { ...ending, type: 'cancelled' } });
  }
  return settle(state, ending?.type ?? 'cancelled', { frame: ending });
}

function refused(state: StreamState, error: ErrorFrame): Step {
  if (error.of === 'start') {
    if (state.stopping) return settle(state, 'cancelled'); // it never ran
    if (error.code !== 'shutting_down') return fail(state, error);
    return [{ ...state, asked: false, following: false }]; // asked again on the next connection
  }
  if (error.of !== 'resume') return [state];
  if (error.code !== 'unknown_stream' && error.code !== 'resume_gap') {
    return fail(state, error);
  }
  if (state.startable && state.seq === 0 && !state.stopping) return gap({ ...state, epoch: undefined });
  if (error.code === 'unknown_stream' && state.seq > 0) return interrupted(state);
  return fail(state, error);
}

function gap(state: StreamState): Step {
  if (state.gaps === MAX_GAPS) {
    return fail(state, failure('resume_gap'));
  }
  return [{ ...state, following: false, gaps: state.gaps + 1 }, { type: 'ask' }];
}

function interrupted(state: StreamState): Step {
  return fail(state, failure('interrupted', true));
}

function fail(state: StreamState, why: Failure): Step {
  return settle(state, 'failed', { failure: why });
}

function settle(
  state: StreamState,
  outcome: Outcome,
  how: Omit<Effect & { type: 'settled' }, 'type'> = {},
): Step {
  return [
    { ...state, following: false, outcome },
    { type: 'settled', ...how },
  ];
}
