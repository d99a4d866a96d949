import { describe, it } from 'vitest';
import { DOORS } from '../support/doors.ts';
import { startRelay, startSimulatedRelay, upstreamAt } from '../support/relay-process.ts';
import { LONG } from '../support/test-run.ts';
import { ownBodies, ownCases, scriptedCases, silentCases } from './own-cases.ts';
import { recordedCases, replayRecordings } from './recorded-cases.ts';
import { expectCases } from './upstream-case.ts';

const { RECORDINGS_DIR } = process.env;
/** 0: whole events. The others split lines, JSON and UTF-8 sequences. */
const SLICES = [0, 1, 7, 64];
/** Where a body is split no door can see: each case comes through another one with each size, and through all with whole events. */
const doorsOf = (sliceBytes: number) => (at: number) => {
  if (sliceBytes === 0 || LONG) return DOORS;
  const own = (at + SLICES.indexOf(sliceBytes)) % DOORS.length;
  return DOORS.slice(own, own + 1);
};
const PACE = { firstTokenMs: 5, deltasPerSecond: 2000 } as const;
const EVENTUALLY = 180_000;

describe('every body and refusal of the model: text, ending and bill are right at every door and in the ledger', () => {
  it.concurrent('of the simulated model', { timeout: EVENTUALLY }, async ({ expect }) => {
    await using relay = await startSimulatedRelay({ pace: PACE });
    await expectCases(expect, relay, scriptedCases());
  });

  it.concurrent('of the simulated model where it falls silent', { timeout: EVENTUALLY }, async ({
    expect,
  }) => {
    const limits = { UPSTREAM_IDLE_MS: '2000', UPSTREAM_CONNECT_MS: '2000' };
    await using relay = await startSimulatedRelay({ pace: PACE }, limits);
    await expectCases(expect, relay, silentCases());
  });

  it.concurrent.for(SLICES)(
    'of our own, in slices of %i bytes',
    { timeout: EVENTUALLY },
    async (sliceBytes, { expect }) => {
      const bodies = ownBodies();
      await using relay = await startSimulatedRelay({ models: [...bodies.keys()] });
      relay.simulator.always(({ model }) => ({
        body: bodies.get(model) ?? '',
        ...(sliceBytes === 0 ? {} : { sliceBytes }),
      }));
      await expectCases(expect, relay, ownCases(), doorsOf(sliceBytes));
    },
  );

  if (RECORDINGS_DIR !== undefined) {
    it.concurrent.for(SLICES)(
      'of the recordings, in slices of %i bytes',
      { timeout: EVENTUALLY },
      async (sliceBytes, { expect }) => {
        const cases = recordedCases(RECORDINGS_DIR);
        await using upstream = await replayRecordings(RECORDINGS_DIR, sliceBytes);
        const models = cases.map(({ model }) => model).join(',');
        await using relay = await startRelay({ ...upstreamAt(upstream.url), ALLOWED_MODELS: models });
        await expectCases(expect, relay, cases, doorsOf(sliceBytes));
      },
    );
  }
});
