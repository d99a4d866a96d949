/** Every body and refusal of the model as the library reads it: each chunk is validated by its own schema, and text, ending and bill are right. */
import { describe, expect, it } from 'vitest';
import type { AnswerMetadata } from '../../src/ai-sdk/chunks.ts';
import { scriptedCases } from '../scenarios/own-cases.ts';
import { recordedCases, replayRecordings } from '../scenarios/recorded-cases.ts';
import { sha256, type UpstreamCase } from '../scenarios/upstream-case.ts';
import { startRelay, startSimulatedRelay, type TestRelay, upstreamAt } from '../support/relay-process.ts';
import { LONG } from '../support/test-run.ts';
import { CHAT_DOORS, type ChatDoor, chatOn, heldBy } from './chats.ts';
import { faultOf } from './library.ts';

const { RECORDINGS_DIR } = process.env;
const PACE = { firstTokenMs: 5, deltasPerSecond: 2000 } as const;
/** The chunks of both are made in one place. */
const DOORS = LONG ? CHAT_DOORS : CHAT_DOORS.slice(0, 1);

/** Asks for all cases at once. */
async function expectCases(relay: TestRelay, door: ChatDoor, cases: readonly UpstreamCase[]): Promise<void> {
  const token = await relay.token();
  const answered = await Promise.all(
    cases.map(async ({ model }, at) => {
      const chat = chatOn(door.transport(relay.url, token, { model }), `case ${at}`);
      await chat.sendMessage({ text: 'Tell me.' });
      return chat;
    }),
  );
  const rows = new Map((await relay.usageRows()).map((row) => [row.streamId, row]));
  for (const [at, { model, textHash, endings, stopReason, usage }] of cases.entries()) {
    const chat = answered[at];
    if (chat === undefined) throw new Error('no answer');
    const { text, metadata } = heldBy(chat);
    const about = `${model}: ${chat.error?.message}`;
    const ending = metadata.ending === 'error' ? metadata.error?.code : metadata.ending;
    expect(endings, about).toContain(ending);
    if (textHash !== undefined) expect(sha256(text), about).toBe(textHash);
    expect(chat.status, about).toBe(ending === 'done' ? 'ready' : 'error');
    if (ending !== 'done') expect(chat.error?.message, about).toMatch(new RegExp(`^${ending}: `));
    const row = rows.get(metadata.streamId ?? '');
    expect(row?.status === 'error' ? row.code : row?.status, about).toBe(ending);
    if (metadata.usage !== undefined) expect(row, about).toMatchObject(metadata.usage);
    if (ending !== 'done') continue;
    expect(metadata, about).toMatchObject({ usage: { source: 'final', ...usage } } satisfies {
      usage: object;
    });
    if (stopReason !== undefined) expect(metadata.stopReason, about).toBe(stopReason);
    expect(metadata.textLength, about).toBe(text.length);
  }
  expect(rows.size, 'one row for each run').toBe(cases.length);
}

describe.each(DOORS)('by $name', (door) => {
  it('of the simulated model', { timeout: 120_000 }, async () => {
    await using relay = await startSimulatedRelay({ pace: PACE });
    await expectCases(relay, door, scriptedCases());
  });

  if (RECORDINGS_DIR !== undefined) {
    it('of the recordings', { timeout: 120_000 }, async () => {
      const cases = recordedCases(RECORDINGS_DIR);
      await using upstream = await replayRecordings(RECORDINGS_DIR, 0);
      const models = cases.map(({ model }) => model).join(',');
      await using relay = await startRelay({ ...upstreamAt(upstream.url), ALLOWED_MODELS: models });
      await expectCases(relay, door, cases);
    });
  }
});

it('a chunk that the library does not take is one that these tests would see', async () => {
  const metadata: AnswerMetadata = {};
  expect(
    await faultOf({ type: 'finish', finishReason: 'cancelled', messageMetadata: metadata }),
  ).toBeDefined();
  expect(await faultOf({ type: 'usage' })).toBeDefined();
});
