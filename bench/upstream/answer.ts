/** The bytes of one answer of the Messages API as server-sent events, precomputed but for the time stamps. */
import { ARRIVAL_MARK, DELTA_MARK, nowMicros, STAMP_BYTES, writeStamp } from '../stamp.ts';

/** What follows the eleven bytes of the stamp: texts of 15 to 25 characters, some with escapes and non-ASCII. */
const PHRASES = [
  ' The answer',
  ' to this is',
  ' found by',
  ' first adding',
  ' both sides',
  '.\n\nThen we',
  ' see — again',
  ' that "x" is',
  ' a number',
  ' which grows',
  ' as n does,',
  ' café style',
  ' so that the',
  ' sum ends',
];

const EMPTY_STAMP = '0'.repeat(STAMP_BYTES);

interface Template {
  readonly bytes: Buffer;
  readonly stampAt: number;
}

const firstTemplate = template(EMPTY_STAMP + EMPTY_STAMP + (PHRASES[0] ?? ''));
const templates = PHRASES.map((phrase) => template(EMPTY_STAMP + phrase));

/** `message_start`, the opening of a text block and a ping. */
export function opening(model: string, serial: number): Buffer {
  const usage = {
    input_tokens: 412,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 0,
    output_tokens: 1,
    service_tier: 'standard',
  };
  const message = {
    model,
    id: `msg_bench${serial}`,
    type: 'message',
    role: 'assistant',
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage,
  };
  return Buffer.concat([
    event('message_start', { message }),
    event('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }),
    event('ping', {}),
  ]);
}

/** Delta `number` (0 is the first), stamped now; the first also with the request's arrival. */
export function delta(number: number, arrivedAt: number): Buffer {
  const { bytes, stampAt } =
    number === 0 ? firstTemplate : (templates[number % templates.length] ?? firstTemplate);
  const copy = Buffer.allocUnsafe(bytes.length);
  bytes.copy(copy);
  writeStamp(copy, stampAt, DELTA_MARK, nowMicros());
  if (number === 0) writeStamp(copy, stampAt + STAMP_BYTES, ARRIVAL_MARK, arrivedAt);
  return copy;
}

/** The events after the last of `deltas` deltas. */
export function closing(deltas: number): Buffer {
  return Buffer.concat([
    event('content_block_stop', { index: 0 }),
    event('message_delta', {
      delta: { stop_reason: 'end_turn', stop_sequence: null },
      usage: { output_tokens: deltas * 5 },
    }),
    event('message_stop', {}),
  ]);
}

function template(text: string): Template {
  const bytes = event('content_block_delta', { index: 0, delta: { type: 'text_delta', text } });
  return { bytes, stampAt: bytes.indexOf(EMPTY_STAMP) };
}

function event(type: string, fields: object): Buffer {
  return Buffer.from(`event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`);
}
