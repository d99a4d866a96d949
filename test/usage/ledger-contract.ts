/** What every usage ledger must do, whatever it writes to. */
import { describe, expect, it } from 'vitest';
import type { UsageLedger } from '../../src/ledger/port.ts';
import { intentOf, readingOf, settlementOf } from './runs.ts';

export interface LedgerRow {
  readonly epoch: string;
  readonly status: string;
  readonly code: string | null;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly source: string;
  readonly costUsd: number | null;
}

export interface LedgerUnderTest {
  readonly ledger: UsageLedger;
  /** What is committed. */
  rows(): readonly LedgerRow[];
  remove(): Promise<void>;
}

export function ledgerContract(name: string, create: () => LedgerUnderTest): void {
  const ledgerTest = (title: string, body: (subject: LedgerUnderTest) => Promise<void>) =>
    it(title, async () => {
      const subject = create();
      try {
        await body(subject);
      } finally {
        await subject.remove();
      }
    });

  describe(`usage ledger on ${name}`, () => {
    ledgerTest('a run has its row when open resolves', async ({ ledger, rows }) => {
      const intent = intentOf();
      await ledger.open(intent, () => readingOf());
      expect(rows()).toMatchObject([{ epoch: intent.epoch, status: 'running', costUsd: null }]);
    });

    ledgerTest('a settled run has its ending, its tokens and its cost', async ({ ledger, rows }) => {
      const { epoch } = intentOf();
      await ledger.open(intentOf({ epoch }), () => readingOf());
      const usage = readingOf({ inputTokens: 1000, outputTokens: 2000 });
      const { costUsd } = await ledger.settle(settlementOf(epoch, { usage }));
      // 1,000 tokens at 2 dollars and 2,000 at 10 dollars per million.
      expect(costUsd).toBe(0.022);
      expect(rows()).toMatchObject([
        {
          epoch,
          status: 'done',
          code: null,
          inputTokens: 1000,
          outputTokens: 2000,
          source: 'final',
          costUsd: 0.022,
        },
      ]);
    });

    ledgerTest('of several settlements of a run the first one holds', async ({ ledger, rows }) => {
      const { epoch } = intentOf();
      await ledger.open(intentOf({ epoch }), () => readingOf());
      const dearer = settlementOf(epoch, {
        status: 'error',
        code: 'interrupted',
        usage: readingOf({ outputTokens: 9e6 }),
      });
      const first = ledger.settle(settlementOf(epoch));
      const racing = ledger.settle(dearer);
      expect(await racing).toEqual(await first);
      expect((await ledger.settle(dearer)).costUsd).toBe((await first).costUsd);
      expect(rows()).toMatchObject([{ status: 'done', outputTokens: 300 }]);
    });

    ledgerTest('a model without a price has no cost, never a cost of 0', async ({ ledger, rows }) => {
      const { epoch } = intentOf();
      await ledger.open(intentOf({ epoch, model: 'claude-sonnet-9' }), () => readingOf());
      expect(await ledger.settle(settlementOf(epoch))).toMatchObject({ costUsd: null });
      expect(rows()).toMatchObject([{ status: 'done', costUsd: null }]);
    });

    ledgerTest('what answered is priced, not what was asked for', async ({ ledger, rows }) => {
      const { epoch } = intentOf();
      await ledger.open(intentOf({ epoch, model: 'claude-haiku-4-5' }), () => readingOf());
      const usage = readingOf({ model: 'claude-opus-4-5-20251101' });
      // 120 × 5 + 300 × 25 dollars per million.
      expect(await ledger.settle(settlementOf(epoch, { usage }))).toMatchObject({ costUsd: 0.0081 });
      const row = { model: 'claude-haiku-4-5', servedModel: 'claude-opus-4-5-20251101', costUsd: 0.0081 };
      expect(rows()).toMatchObject([row]);
    });

    ledgerTest('of several messages each is priced by itself', async ({ ledger, rows }) => {
      const { epoch } = intentOf();
      await ledger.open(intentOf({ epoch, model: 'claude-haiku-5-5' }), () => readingOf());
      const messages = [
        readingOf({ inputTokens: 60_000, outputTokens: 100, model: 'claude-haiku-5-5' }),
        readingOf({ inputTokens: 60_000, outputTokens: 100, model: 'claude-haiku-5-5' }),
        readingOf({ inputTokens: 1_000, outputTokens: 200, model: 'claude-opus-4-5' }),
      ];
      const sum = { inputTokens: 121_000, outputTokens: 400, model: 'claude-opus-4-5' };
      const usage = readingOf({ ...sum, messages });
      // 120,000 × 0.10 + 200 × 0.50 (no prompt is over 100,000), and 1,000 × 5 + 200 × 25 dollars per million.
      expect(await ledger.settle(settlementOf(epoch, { usage }))).toMatchObject({ costUsd: 0.0221 });
      expect(rows()).toMatchObject([
        { inputTokens: 121_000, servedModel: 'claude-opus-4-5', costUsd: 0.0221 },
      ]);
    });

    ledgerTest(
      'counts beyond measure of several messages are settled all the same',
      async ({ ledger, rows }) => {
        const { epoch } = intentOf();
        await ledger.open(intentOf({ epoch }), () => readingOf());
        const huge = { inputTokens: 9e15, outputTokens: 9e15, cacheReadTokens: 9e15, cacheWriteTokens: 9e15 };
        const usage = readingOf({ ...huge, messages: Array.from({ length: 20 }, () => readingOf(huge)) });
        await ledger.settle(settlementOf(epoch, { usage }));
        expect(rows()).toMatchObject([{ status: 'done', inputTokens: expect.any(Number) }]);
      },
    );

    ledgerTest('what the prompt cache saved is told with the cost', async ({ ledger }) => {
      const saved = async (tokens: Parameters<typeof readingOf>[0]): Promise<number | null> => {
        const { epoch } = intentOf();
        await ledger.open(intentOf({ epoch, model: 'claude-opus-4-5' }), () => readingOf());
        const usage = readingOf({ inputTokens: 0, outputTokens: 0, model: 'claude-opus-4-5', ...tokens });
        return (await ledger.settle(settlementOf(epoch, { usage }))).cacheSavedUsd;
      };
      expect(await saved({})).toBe(0);
      // Read at 0.50 instead of 5, written at 6.25 instead of 5 dollars per million.
      expect(await saved({ cacheReadTokens: 1_000_000 })).toBe(4.5);
      expect(await saved({ cacheWriteTokens: 1_000_000 })).toBe(-1.25);
      const half = readingOf({ inputTokens: 0, cacheReadTokens: 500_000, model: 'claude-opus-4-5' });
      expect(await saved({ cacheReadTokens: 1_000_000, messages: [half, half] })).toBe(4.5);
      expect(await saved({ cacheReadTokens: 1, model: 'claude-sonnet-9' })).toBe(null);
    });

    ledgerTest('an answer of a model without a price has no cost', async ({ ledger }) => {
      const { epoch } = intentOf();
      await ledger.open(intentOf({ epoch }), () => readingOf());
      const usage = readingOf({ model: 'claude-sonnet-9' });
      expect(await ledger.settle(settlementOf(epoch, { usage }))).toMatchObject({ costUsd: null });
    });

    ledgerTest('an epoch has one row: opening it again is refused', async ({ ledger, rows }) => {
      const intent = intentOf();
      await ledger.open(intent, () => readingOf());
      await expect(ledger.open(intent, () => readingOf())).rejects.toMatchObject({ code: 'internal' });
      await ledger.settle(settlementOf(intent.epoch));
      await expect(ledger.open(intent, () => readingOf())).rejects.toMatchObject({ code: 'internal' });
      expect(rows()).toMatchObject([{ status: 'done' }]);
    });

    ledgerTest('settling a run that was never opened writes nothing', async ({ ledger, rows }) => {
      expect(await ledger.settle(settlementOf('never-opened'))).toMatchObject({ costUsd: null });
      expect(rows()).toEqual([]);
    });

    ledgerTest('a run settled in the turn it was opened in is settled', async ({ ledger, rows }) => {
      const { epoch } = intentOf();
      const opened = ledger.open(intentOf({ epoch }), () => readingOf());
      ledger.touch(epoch);
      const settled = ledger.settle(settlementOf(epoch, { status: 'cancelled' }));
      await Promise.all([opened, settled]);
      expect(rows()).toMatchObject([{ epoch, status: 'cancelled' }]);
    });

    ledgerTest('a closed ledger starts no run, and closes once', async ({ ledger, rows }) => {
      const { epoch } = intentOf();
      await ledger.open(intentOf({ epoch }), () => readingOf());
      const settled = ledger.settle(settlementOf(epoch));
      await Promise.all([ledger.close(), ledger.close()]);
      await settled;
      expect(rows()).toMatchObject([{ epoch, status: 'done' }]);
      await expect(ledger.open(intentOf(), () => readingOf())).rejects.toMatchObject({ code: 'unavailable' });
    });

    ledgerTest('what comes after the close changes nothing and throws nothing', async ({ ledger, rows }) => {
      const { epoch } = intentOf();
      await ledger.open(intentOf({ epoch }), () => readingOf());
      await ledger.close();
      ledger.touch(epoch);
      expect(await ledger.settle(settlementOf(epoch))).toMatchObject({ costUsd: null });
      expect(rows()).toMatchObject([{ status: 'running' }]);
    });
  });
}
