/** One body or refusal of the model and what the relay must make of it: the same at every door, and in the ledger. */
import { createHash } from 'node:crypto';
import type { ExpectStatic } from 'vitest';
import type { ErrorCode } from '../../src/protocol/codes.ts';
import type { Usage } from '../../src/protocol/frames.ts';
import { DOORS, type Door } from '../support/doors.ts';
import type { TestRelay } from '../support/relay-process.ts';

export interface UpstreamCase {
  /** The model that is asked for. */
  readonly model: string;
  /** SHA-256 of all text; absent: only that it is the same at every door. */
  readonly textHash?: string;
  /** `done`, or the code of the error. More than one where any of them is right. */
  readonly endings: readonly ('done' | ErrorCode)[];
  /** Of an ending `done`. */
  readonly stopReason?: string | null;
  /** What is known of the bill of an ending `done`. */
  readonly usage?: Partial<Usage>;
}

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/**
 * Asks for all cases at once, and compares what came and what the ledger says.
 * @param doorsOf the doors for a case, by its place among the cases; without it all of them
 */
export async function expectCases(
  expect: ExpectStatic,
  relay: TestRelay,
  cases: readonly UpstreamCase[],
  doorsOf: (at: number) => readonly Door[] = () => DOORS,
): Promise<void> {
  const token = await relay.token();
  const asked = cases.flatMap((expected, at) =>
    doorsOf(at).map((door) => ({ expected, door, id: `case-${at}-through-the-door-${door.name}` })),
  );
  const held = await Promise.all(
    asked.map(({ expected: { model }, door, id }) =>
      door.ask(relay.url, token, {
        id,
        action: 'chat',
        model,
        messages: [{ role: 'user', content: 'Tell me.' }],
      }),
    ),
  );
  const rows = new Map((await relay.usageRows()).map((row) => [row.streamId, row]));
  for (const [at, { expected, door, id }] of asked.entries()) {
    const got = held[at];
    const about = `${expected.model} by ${door.name}`;
    const first = held[asked.findIndex((each) => each.expected === expected)];
    expect(sha256(got?.text ?? ''), about).toBe(expected.textHash ?? sha256(first?.text ?? ''));
    expect(expected.endings, about).toContain(got?.ending);
    const row = rows.get(id);
    expect(row?.status === 'error' ? row.code : row?.status, about).toBe(got?.ending);
    if (got?.usage !== undefined) expect(row, about).toMatchObject(got.usage);
    if (got?.ending !== 'done') continue;
    expect(got.usage, about).toMatchObject({ source: 'final', ...expected.usage });
    if (expected.stopReason !== undefined) expect(got.stopReason, about).toBe(expected.stopReason);
  }
  expect(rows.size, 'one row for each run').toBe(asked.length);
}
