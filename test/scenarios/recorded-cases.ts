/** Recorded bodies and error responses of the real API, as the folder named by RECORDINGS_DIR lists them, and their server. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ErrorCode } from '../../src/protocol/codes.ts';
import { freePort } from '../support/free-port.ts';
import { sha256, type UpstreamCase } from './upstream-case.ts';

interface Counts {
  readonly input_tokens?: number;
  readonly cache_read_input_tokens?: number;
  readonly cache_creation_input_tokens?: number;
}

interface RecordedStream {
  readonly name: string;
  readonly file: string;
  readonly text_sha256: string;
  /** Null: whether the message counts as complete is open. */
  readonly complete: boolean | null;
  readonly stop_reason: string | null;
  readonly input_tokens?: number;
  readonly output_tokens?: number;
  readonly messages?: number;
  readonly usage_message_start?: Counts;
  readonly usage_message_delta?: Counts;
  /** The error event in a body that was put together from a recording and a quoted event. */
  readonly error_event?: { readonly type: string } | null;
}

interface Manifest {
  readonly streams: readonly RecordedStream[];
  readonly composite: readonly RecordedStream[];
  readonly errors: readonly { readonly name: string; readonly status: number }[];
}

const NO_TEXT = sha256('');
const CODES_OF_EVENTS: Readonly<Record<string, ErrorCode>> = {
  overloaded_error: 'upstream_overloaded',
  rate_limit_error: 'upstream_rate_limited',
};

export function recordedCases(directory: string): UpstreamCase[] {
  const { streams, composite, errors } = JSON.parse(
    readFileSync(join(directory, 'manifest.json'), 'utf8'),
  ) as Manifest;
  return [
    ...[...streams, ...composite].map((recorded) => streamCase(recorded, directory)),
    ...errors.map(({ name, status }) => ({
      model: `errors:${name}`,
      textHash: NO_TEXT,
      endings: [codeOfStatus(status)],
    })),
  ];
}

function streamCase(recorded: RecordedStream, directory: string): UpstreamCase {
  return {
    model: `rec:${recorded.name}`,
    textHash: recorded.text_sha256,
    endings: endingsOf(recorded),
    stopReason: recorded.stop_reason,
    usage: usageOf(recorded, directory),
  };
}

function endingsOf({ complete, error_event: event }: RecordedStream): UpstreamCase['endings'] {
  if (event) return [CODES_OF_EVENTS[event.type] ?? 'upstream_error'];
  if (complete === null) return ['done', 'upstream_truncated'];
  return [complete ? 'done' : 'upstream_truncated'];
}

/** As the manifest says; of a body of several messages it knows the sum of the output alone. */
function usageOf(recorded: RecordedStream, directory: string): NonNullable<UpstreamCase['usage']> {
  const { input_tokens: inputTokens, output_tokens: outputTokens, messages } = recorded;
  if (inputTokens === undefined || outputTokens === undefined) return {};
  if (messages !== 1) return { inputTokens: summedInput(join(directory, recorded.file)), outputTokens };
  const { cache_read_input_tokens: cacheReadTokens = 0, cache_creation_input_tokens: cacheWriteTokens = 0 } =
    {
      ...recorded.usage_message_start,
      ...recorded.usage_message_delta,
    };
  return { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens };
}

/** Within a message the last count stands; over messages they add up. */
function summedInput(file: string): number {
  const perMessage: number[] = [];
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    if (!line.startsWith('data:')) continue;
    const event = JSON.parse(line.slice(5)) as { type: string; message?: { usage: Counts }; usage?: Counts };
    if (event.type === 'message_start') perMessage.push(0);
    const tokens = (event.message ?? event).usage?.input_tokens;
    if (tokens !== undefined) perMessage[perMessage.length - 1] = tokens;
  }
  return perMessage.reduce((sum, tokens) => sum + tokens, 0);
}

function codeOfStatus(status: number): ErrorCode {
  if (status === 429) return 'upstream_rate_limited';
  if ([401, 403, 404].includes(status)) return 'upstream_account';
  return status === 529 ? 'upstream_overloaded' : 'upstream_refused';
}

/** Serves the recordings in slices of that many bytes, 0 for whole events. */
export async function replayRecordings(directory: string, sliceBytes: number) {
  const port = await freePort();
  const child = spawn(process.execPath, [join(directory, 'replay.mjs'), String(port), String(sliceBytes)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'close');
  await Promise.race([
    once(child.stdout, 'data'),
    exited.then(() => Promise.reject(new Error('the recordings are not served'))),
  ]);
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      child.kill();
      await exited;
    },
  };
}
