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
  /** Whether it thinks before the text, and how; absent: as the request and its model have it. */
  readonly thinking?: boolean | ThoughtBehaviour;
  /** Asks for a tool after the text, once: with what it answered comes the answer. */
  readonly tool?: boolean | ToolBehaviour;
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
  /** Refuses after this many deltas of text; 0: before it has thought or said anything. */
  readonly refusal?: {
    readonly afterDeltas: number;
    readonly category: string | null;
    readonly explanation: string | null;
  };
  /** Breaks off when this many deltas (of any block) have been sent; 0: before the first, after `message_start`. */
  readonly broken?: { readonly afterDeltas: number; readonly by: Break };
  readonly pace?: Pace;
  /** Writes slices of this many bytes, each in an event-loop turn of its own, at no pace. */
  readonly sliceBytes?: number;
}

export interface ToolBehaviour {
  /** Default: one call of the first tool offered, with what its schema wants. Text stands as it is for the input's JSON. */
  readonly calls?: readonly { readonly name?: string; readonly input?: object | string }[];
  /** How often it asks; default: once. It never does where it may not. */
  readonly times?: number;
}

/** What is absent is as the request and its model have it. */
export interface ThoughtBehaviour {
  /** As its model counts them. */
  readonly tokens?: number;
  /** How long it takes, whatever the pace is. */
  readonly ms?: number;
  /** `omitted`: nothing comes but pings, and a signature at its end. */
  readonly display?: 'omitted' | 'summarized';
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

const REFUSED = 'This request was declined by the simulated model.';

export const BEHAVIOURS = {
  answer: {},
  fast: { pace: UNPACED },
  slow: { pace: { firstTokenMs: [3_000, 5_000], deltasPerSecond: [1, 3] } },
  long: { long: true },
  stamped: { stamped: 1_000 },
  thinking: { thinking: true },
  'long-thinking': { thinking: { tokens: 600, ms: 180_000, display: 'omitted' } },
  tool: { tool: true },
  'several-messages': { messages: 3 },
  surrogates: {
    deltas: ['Well done ', '\ud83c', '\udf89', '! Très bien', ' \ud83d', '\udc4f\ud83c', '\udffd', '.'],
  },
  refusal: { refusal: { afterDeltas: 0, category: 'cyber', explanation: REFUSED } },
  'refusal-midway': { refusal: { afterDeltas: 12, category: 'bio', explanation: REFUSED } },
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
  'ramp-limit': {
    refuse: new ApiError('rate_limit_error', 'Usage grew too fast', {
      retryAfter: 5,
      errorCode: 'ramp_limit_exceeded',
    }),
  },
  'own-spend-limit': {
    refuse: new ApiError('invalid_request_error', 'You have reached your specified API usage limits.'),
  },
  unpaid: { refuse: new ApiError('billing_error', 'There is a problem with your billing information.') },
  'linked-spend-limit': {
    refuse: new ApiError('billing_error', 'The linked organization has reached its spend limit.', {
      errorCode: 'linked_organization_spend_limit_reached',
    }),
  },
  conflict: { refuse: new ApiError('conflict_error', 'The request conflicts with another one.') },
  'too-large': { refuse: new ApiError('request_too_large', 'Request exceeds the maximum size') },
  unavailable: { refuse: new ApiError('api_error', 'Service unavailable', { status: 503 }) },
  timeout: { refuse: new ApiError('timeout_error', 'The request took too long to process.') },
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
