/** Public recordings of the API, from the folder RECORDINGS_DIR; without it, bodies of our own of the same kinds. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
  messageEnd,
  messageStart,
  PING,
  sse,
  streamedError,
  textDelta,
  wholeMessage,
} from './message-script.ts';

export interface Recording {
  readonly name: string;
  readonly body: Buffer;
  /** Whether `done` is the right ending; null: it may end either way. */
  readonly complete: boolean | null;
  /** Of all text deltas. */
  readonly textSha256: string;
  readonly stopReason: string | null;
  /** Null where unknown. */
  readonly outputTokens: number | null;
  /** Null where unknown, or where several messages share the body. */
  readonly inputTokens: number | null;
}

interface ManifestEntry {
  readonly name: string;
  readonly file: string;
  readonly complete: boolean | null;
  readonly text_sha256: string;
  readonly stop_reason: string | null;
  readonly output_tokens?: number;
  readonly input_tokens?: number;
  readonly messages?: number;
}

export const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

export function loadRecordings(): Recording[] {
  const folder = process.env['RECORDINGS_DIR'];
  if (folder === undefined) return ownRecordings();
  const manifest: { streams: ManifestEntry[]; composite: ManifestEntry[] } = JSON.parse(
    readFileSync(`${folder}/manifest.json`, 'utf8'),
  );
  return [...manifest.streams, ...manifest.composite].map((entry) => ({
    name: entry.name,
    body: readFileSync(`${folder}/${entry.file}`),
    complete: entry.complete,
    textSha256: entry.text_sha256,
    stopReason: entry.stop_reason,
    outputTokens: entry.output_tokens ?? null,
    inputTokens: entry.messages === 1 ? (entry.input_tokens ?? null) : null,
  }));
}

function ownRecordings(): Recording[] {
  const whole = (
    name: string,
    body: string,
    text: string,
    outputTokens: number,
    inputTokens: number | null,
  ) => own(name, body, text, { complete: true, stopReason: 'end_turn', outputTokens, inputTokens });
  const cut = (name: string, body: string, text: string) =>
    own(name, body, text, { complete: false, stopReason: null, outputTokens: null, inputTokens: null });
  const poem = ['Grüße, ', 'мир! ', '你好 👩‍👩‍👧 ', '"quoted" \\ and\n', '\u2028\u0007 done'];
  const said = poem.join('');
  const tool = sse({
    type: 'content_block_delta',
    index: 1,
    delta: { type: 'input_json_delta', partial_json: '{"a":"é"}' },
  });
  return [
    whole('own: text', wholeMessage(...poem), said, 42, 10),
    whole('own: crlf', wholeMessage(...poem).replaceAll('\n', '\r\n'), said, 42, 10),
    whole('own: no final blank line', wholeMessage(...poem).trimEnd(), said, 42, 10),
    whole(
      'own: other key order and spaces',
      `${messageStart()}data: {"delta": {"text": "caf\\u00e9 ☕", "type": "text_delta"}, "type": "content_block_delta"}\n\n${messageEnd()}`,
      'café ☕',
      42,
      10,
    ),
    whole(
      'own: two messages, unknown types, a tool call',
      wholeMessage('one') +
        PING +
        messageStart() +
        tool +
        sse({ type: 'new' }) +
        textDelta(' two') +
        messageEnd(8),
      'one two',
      50,
      null,
    ),
    cut('own: cut', messageStart() + textDelta('half') + textDelta('lost').slice(0, -20), 'half'),
    cut('own: error', messageStart() + textDelta('half') + streamedError('overloaded_error'), 'half'),
  ];
}

function own(
  name: string,
  body: string,
  text: string,
  rest: Pick<Recording, 'complete' | 'stopReason' | 'outputTokens' | 'inputTokens'>,
): Recording {
  return { name, body: Buffer.from(body), textSha256: sha256(text), ...rest };
}
