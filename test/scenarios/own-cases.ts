/** Bodies written here by hand, each with one thing that a reader of event streams gets wrong, and the simulator's. */
import type { ErrorCode } from '../../src/protocol/codes.ts';
import type { BehaviourName } from '../../src/simulator/behaviour.ts';
import { messageEnd, messageStart, PING, sse, streamedError, textDelta } from '../upstream/message-script.ts';
import { sha256, type UpstreamCase } from './upstream-case.ts';

interface OwnBody {
  readonly name: string;
  readonly body: string;
  readonly text: string;
  readonly ending: 'done' | ErrorCode;
  readonly usage?: UpstreamCase['usage'];
}

const say = (...texts: readonly string[]): string => texts.map(textDelta).join('');
const WORDS = ['Grüße, ', 'नमस्ते ', '你好 ', '👩‍👩‍👧 ', '"quoted"\n', '\\ and \u2028', ''];
const TEXT = WORDS.join('');

const BODIES: readonly OwnBody[] = [
  whole('whole', messageStart() + say(...WORDS) + messageEnd(9), TEXT),
  whole('crlf', (messageStart() + say(...WORDS) + messageEnd(9)).replaceAll('\n', '\r\n'), TEXT),
  whole(
    'pings-and-comments',
    [PING, messageStart(), PING, say('one '), ': a comment\n\n', PING, say('two'), messageEnd(9), PING].join(
      '',
    ),
    'one two',
  ),
  whole(
    'unknown-events',
    [
      messageStart(),
      sse({ type: 'weather_report', sun: true }),
      sse({ type: 'content_block_delta', index: 0, delta: { type: 'smell_delta', smell: 'rose' } }),
      say('known'),
      messageEnd(9),
    ].join(''),
    'known',
  ),
  whole('pairs-split-over-deltas', messageStart() + say('a\ud83c', '\udf89b') + messageEnd(9), 'a🎉b'),
  {
    ...whole(
      'two-messages',
      [messageStart(), say('first '), messageEnd(4), messageStart(), say('second'), messageEnd(5)].join(''),
      'first second',
    ),
    usage: { inputTokens: 20, outputTokens: 9 },
  },
  {
    ...whole(
      'counts-overwritten',
      [
        messageStart(),
        say('counted'),
        sse({ type: 'message_delta', delta: {}, usage: { input_tokens: 99, output_tokens: 3 } }),
        sse({ type: 'message_delta', delta: {}, usage: { output_tokens: 4, cache_read_input_tokens: 5 } }),
        messageEnd(7),
      ].join(''),
      'counted',
    ),
    usage: { inputTokens: 99, outputTokens: 7, cacheReadTokens: 5, cacheWriteTokens: 0 },
  },
  cut('no-stop', messageStart() + say('cut'), 'cut', 'upstream_truncated'),
  cut('half-an-event', messageStart() + say('cut', 'lost').slice(0, -20), 'cut', 'upstream_truncated'),
  cut(
    'error-midway',
    messageStart() + say('so far') + streamedError('overloaded_error'),
    'so far',
    'upstream_overloaded',
  ),
  cut('error-first', streamedError('api_error'), '', 'upstream_error'),
  cut('nothing', ': nothing\n\n', '', 'upstream_truncated'),
];

function whole(name: string, body: string, text: string): OwnBody {
  return { name, body, text, ending: 'done', usage: { inputTokens: 10, outputTokens: 9 } };
}

function cut(name: string, body: string, text: string, ending: ErrorCode): OwnBody {
  return { name, body, text, ending };
}

const modelOf = (name: string): string => `claude-fixture-${name}`;

/** By the model that asks for it. */
export function ownBodies(): ReadonlyMap<string, string> {
  return new Map(BODIES.map(({ name, body }) => [modelOf(name), body]));
}

export function ownCases(): UpstreamCase[] {
  return BODIES.map(({ name, text, ending, usage }) => ({
    model: modelOf(name),
    textHash: sha256(text),
    endings: [ending],
    ...(ending === 'done' ? { stopReason: 'end_turn' } : {}),
    ...(usage === undefined ? {} : { usage }),
  }));
}

/** What comes of each behaviour of the simulated model; the texts are its own, and the same at every door. */
const SCRIPTED: { readonly [Name in BehaviourName]?: 'done' | ErrorCode } = {
  answer: 'done',
  fast: 'done',
  thinking: 'done',
  tool: 'done',
  'several-messages': 'done',
  surrogates: 'done',
  refusal: 'done',
  split: 'done',
  reset: 'upstream_reset',
  disconnect: 'upstream_reset',
  truncate: 'upstream_truncated',
  'half-event': 'upstream_truncated',
  'overloaded-midway': 'upstream_overloaded',
  overloaded: 'upstream_overloaded',
  'rate-limited': 'upstream_rate_limited',
  error: 'upstream_error',
  'bad-request': 'upstream_refused',
  unauthorized: 'upstream_account',
  forbidden: 'upstream_account',
  'not-found': 'upstream_account',
  unpaid: 'upstream_account',
  'spend-limit': 'upstream_account',
};

const SILENT = ['stall', 'ping-only', 'silent'] as const satisfies readonly BehaviourName[];

export function scriptedCases(): UpstreamCase[] {
  return Object.entries(SCRIPTED).map(([name, ending]) => ({ model: `sim:${name}`, endings: [ending] }));
}

/** Those that only a limit ends. */
export function silentCases(): UpstreamCase[] {
  return SILENT.map((name) => ({ model: `sim:${name}`, endings: ['upstream_timeout'] }));
}
