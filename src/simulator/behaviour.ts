/**
 * What the simulated model can be told to do instead of simply answering, and the names for it.
 *
 * Tests pass behaviours (or their names) to `simulator.script`; a person at the demo page, or a benchmark, asks for
 * one by model: `sim:stall` behaves as `stall` below. `sim:answer` is the ordinary answer.
 */
import { ApiError } from './api-error.ts';
import { type Pace, UNPACED } from './pacer.ts';

/**
 * How a stream is broken off.
 * - `stall` says nothing more, the connection stays open; `ping` the same, with pings for ever
 * - `reset` RST_STREAM over HTTP/2, a TCP RST over HTTP/1.1; `disconnect` a TCP RST in both cases
 * - `end` ends the body cleanly without `message_stop`; `half-event` the same, in the middle of the next event
 * - `error` sends `event: error` (overloaded_error) and ends
 */
export type Break = 'stall' | 'ping' | 'reset' | 'disconnect' | 'end' | 'half-event' | 'error';

export interface AnswerBehaviour {
  /** Exactly these text deltas instead of a composed answer: one event each, lone surrogates allowed. */
  readonly deltas?: readonly string[];
  /** A thinking block before the text, as the request's own `thinking` gives. */
  readonly thinking?: boolean;
  /** A tool_use block after the text. */
  readonly tool?: boolean;
  /** Some 7,000 tokens. */
  readonly long?: boolean;
  /** How many messages the one body holds. */
  readonly messages?: number;
  /**
   * This many deltas that each begin with `@`, the microseconds of `process.hrtime` (one clock for all processes of a
   * machine) at which it was written, in 16 digits, and a space: for benchmarks of latency.
   */
  readonly stamped?: number;
  readonly stopReason?: string;
  /** Breaks off when this many deltas (of any block) have been sent; 0: before the first, after `message_start`. */
  readonly broken?: { readonly afterDeltas: number; readonly by: Break };
  readonly pace?: Pace;
  /** Writes slices of this many bytes, each in an event-loop turn of its own, at no pace. */
  readonly sliceBytes?: number;
}

/** Says no, at once. */
export interface RefusalBehaviour {
  readonly refuse: ApiError;
}

/** Answers 200 `text/event-stream` with this body, as it stands. */
export interface RawBehaviour {
  readonly body: string | Uint8Array;
  readonly sliceBytes?: number;
}

/** Never sends a response head. */
export interface SilentBehaviour {
  readonly silent: true;
}

export type Behaviour = AnswerBehaviour | RefusalBehaviour | RawBehaviour | SilentBehaviour;

export const BEHAVIOURS = {
  answer: {},
  fast: { pace: UNPACED },
  slow: { pace: { firstTokenMs: [3_000, 5_000], deltasPerSecond: [1, 3] } },
  long: { long: true },
  stamped: { stamped: 1_000 },
  thinking: { thinking: true },
  tool: { tool: true },
  'several-messages': { messages: 3 },
  surrogates: {
    deltas: ['Well done ', '\ud83c', '\udf89', '! Très bien', ' \ud83d', '\udc4f\ud83c', '\udffd', '.'],
  },
  refusal: { deltas: ['I cannot help with that.'], stopReason: 'refusal' },
  split: { sliceBytes: 7 },
  stall: { broken: { afterDeltas: 5, by: 'stall' } },
  'ping-only': { broken: { afterDeltas: 0, by: 'ping' } },
  reset: { broken: { afterDeltas: 5, by: 'reset' } },
  disconnect: { broken: { afterDeltas: 5, by: 'disconnect' } },
  truncate: { broken: { afterDeltas: 5, by: 'end' } },
  'half-event': { broken: { afterDeltas: 5, by: 'half-event' } },
  'overloaded-midway': { broken: { afterDeltas: 5, by: 'error' } },
  silent: { silent: true },
  overloaded: { refuse: new ApiError('overloaded_error', 'Overloaded') },
  'rate-limited': { refuse: new ApiError('rate_limit_error', 'Rate limited', { retryAfter: 2 }) },
  'spend-limit': {
    refuse: new ApiError('rate_limit_error', 'Spend limit reached', {
      errorCode: 'enforced_spend_limit_reached',
    }),
  },
  unpaid: { refuse: new ApiError('billing_error', 'There is a problem with your billing information.') },
  error: { refuse: new ApiError('api_error', 'Internal server error') },
  'bad-request': {
    refuse: new ApiError('invalid_request_error', 'messages: Input does not match the expected shape.'),
  },
  unauthorized: { refuse: new ApiError('authentication_error', 'invalid x-api-key') },
  forbidden: {
    refuse: new ApiError('permission_error', 'Your API key does not have permission to use this model.'),
  },
  'not-found': { refuse: new ApiError('not_found_error', 'model: not found') },
} as const satisfies Record<string, Behaviour>;

export type BehaviourName = keyof typeof BEHAVIOURS;

const PREFIX = 'sim:';

/** Every behaviour of the table as a model name. */
export const SCRIPTED_MODELS: readonly string[] = Object.keys(BEHAVIOURS).map((name) => PREFIX + name);

/** Whether a model is `sim:` and a name of the table. */
export function isScriptedModel(model: string): boolean {
  return model.startsWith(PREFIX) && Object.hasOwn(BEHAVIOURS, model.slice(PREFIX.length));
}

/** What a model name asks for: the ordinary answer unless it is a `sim:` one. */
export function behaviourOf(model: string): BehaviourName {
  return isScriptedModel(model) ? (model.slice(PREFIX.length) as BehaviourName) : 'answer';
}

export function behaviourNamed(name: BehaviourName): Behaviour {
  return BEHAVIOURS[name];
}
