/** Android's WebSocket, below React Native's there: OkHttp itself as a client of the relay. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import type { ClientFrame, ServerFrame } from '../../../src/protocol/frames.ts';
import { startTestRelay } from '../../../src/testing/index.ts';
import { report } from '../../support/test-run.ts';

/** Where Debian's libokhttp-java puts them; DASH_OKHTTP_CLASSPATH names others. */
const CLASSPATH =
  process.env['DASH_OKHTTP_CLASSPATH'] ?? '/usr/share/java/okhttp.jar:/usr/share/java/okio.jar';
const SOURCE = fileURLToPath(new URL('RelayOverOkHttp.java', import.meta.url));
const WORDS = Array.from({ length: 40 }, (_, count) => `word${count} `);
const PACE = { firstTokenMs: [1, 1], deltasPerSecond: [60, 60] } as const;
const run = promisify(execFile);

type HeardFrame =
  | ServerFrame
  | { readonly type: 'opened'; readonly protocol: string }
  | { readonly type: 'closed'; readonly code: number }
  | { readonly type: 'failed'; readonly cause: string };

it('connects by header, streams, cancels, and resumes after a lost connection', async () => {
  const relay = await startTestRelay();
  onTestFinished(() => relay.close());
  const answer = { deltas: WORDS, pace: PACE };
  // What is to be stopped would not end by itself.
  relay.simulator.script(answer, { ...answer, broken: { afterDeltas: 5, by: 'stall' } }, answer);
  const token = await relay.token();
  const transcript = await speak(`${relay.url.replace('http', 'ws')}/v1/ws`, token);
  if (process.env['DASH_PRINT_TABLE'] === '1') for (const line of abridged(transcript)) report(line);
  const sent = framesOf<ClientFrame>(transcript, '→ ');
  const heard = framesOf<HeardFrame>(transcript, '← ');

  expect(transcript.join('\n')).not.toContain(token);
  expect(sent.map(({ type }) => type)).toEqual(['start', 'start', 'cancel', 'start', 'resume']);
  expect(heard.filter(({ type }) => type !== 'chunk').map(({ type }) => type)).toEqual([
    ...['opened', 'hello', 'accepted', 'done', 'accepted', 'cancelled', 'accepted', 'failed'],
    ...['opened', 'hello', 'resumed', 'done', 'closed'],
  ]);
  expect(heard[0]).toEqual({ type: 'opened', protocol: 'dash-relay.v1' });
  expect(heard.at(-1)).toEqual({ type: 'closed', code: 1000 });
  const [whole = '', cancelled = '', resumed = ''] = sent.flatMap((frame) =>
    frame.type === 'start' && frame.id !== undefined ? [textOf(heard, frame.id)] : [],
  );
  expect(whole).toBe(WORDS.join(''));
  expect(resumed).toBe(WORDS.join(''));
  expect(cancelled).toMatch(/^word0 /);
  expect(WORDS.slice(0, 5).join('').startsWith(cancelled)).toBe(true);
  expect(relay.simulator.requests).toHaveLength(3);
});

/** @returns the lines that the program printed */
async function speak(url: string, token: string): Promise<string[]> {
  const classes = await mkdtemp(join(tmpdir(), 'dash-relay-okhttp-'));
  onTestFinished(() => rm(classes, { recursive: true, force: true }));
  await run('javac', ['-encoding', 'UTF-8', '-cp', CLASSPATH, '-d', classes, SOURCE]);
  const program = [
    '-Dfile.encoding=UTF-8',
    '-cp',
    `${CLASSPATH}${delimiter}${classes}`,
    'RelayOverOkHttp',
    url,
  ];
  const { PATH } = process.env;
  const { stdout } = await run('java', program, { env: { PATH, LC_ALL: 'C.UTF-8', DASH_TOKEN: token } });
  return stdout.trim().split('\n');
}

/** Of chunks in a row only the last. */
function abridged(transcript: readonly string[]): string[] {
  const isChunk = (line = ''): boolean => line.startsWith('← {"type":"chunk"');
  return transcript.filter((line, index) => !isChunk(line) || !isChunk(transcript[index + 1]));
}

function framesOf<T>(transcript: readonly string[], direction: string): T[] {
  return transcript
    .filter((line) => line.startsWith(direction))
    .map((line) => JSON.parse(line.slice(direction.length)) as T);
}

function textOf(heard: readonly HeardFrame[], id: string): string {
  return heard
    .flatMap((frame) => (frame.type === 'chunk' && frame.id === id ? [frame.content] : []))
    .join('');
}
