/** Intents, settlements and rows for tests of the ledger. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { UsageIntent, UsageSettlement } from '../../src/ledger/port.ts';
import type { EndingFrame } from '../../src/protocol/frames.ts';
import type { UsageReading } from '../../src/protocol/usage-reading.ts';
import { openUsageRecords, type UsageRow } from '../../src/reports/usage-records.ts';

export const STARTED_AT = Date.UTC(2026, 10, 22, 12);
export const EVERYTHING = { from: 0, before: Number.MAX_SAFE_INTEGER, userId: null };

export function newDataDir(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'usage-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

export function intentOf(given: Partial<UsageIntent> = {}): UsageIntent {
  return {
    epoch: randomBytes(12).toString('base64url'),
    streamId: 'stream-1',
    userId: '8a6e0804-2bd0-4672-b79d-d97027f9071a',
    organizationId: null,
    action: 'chat',
    model: 'claude-sonnet-5-5',
    startedAt: STARTED_AT,
    ...given,
  };
}

export function readingOf(given: Partial<UsageReading> = {}): UsageReading {
  return {
    inputTokens: 120,
    outputTokens: 300,
    cacheReadTokens: 0,
    cacheWriteTokens: 0,
    cacheWrite1hTokens: 0,
    thinkingTokens: 0,
    webSearches: 0,
    terms: null,
    uncharged: false,
    source: 'final',
    model: null,
    ...given,
  };
}

function endingOf(epoch: string, costUsd: number | null): EndingFrame {
  const { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens, source } = readingOf();
  const cost = costUsd === null ? {} : { costUsd };
  const usage = { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens, source, ...cost };
  const timing = { firstTokenMs: 431.5, totalMs: 2000.25, chunks: 0, bytes: 0 };
  return { type: 'cancelled', id: `stream-of-${epoch}`, seq: 0, textLength: 0, usage, timing };
}

export function settlementOf(epoch: string, given: Partial<UsageSettlement> = {}): UsageSettlement {
  return {
    epoch,
    status: 'done',
    code: null,
    usage: readingOf(),
    firstTokenMs: 431.5,
    totalMs: 2000.25,
    requestId: 'req_1',
    endedAt: STARTED_AT + 2000,
    ending: (costUsd) => endingOf(epoch, costUsd),
    ...given,
  };
}

/** What a second connection sees: only what is committed. */
export function rowsIn(dataDir: string): UsageRow[] {
  const reader = openUsageRecords(dataDir);
  if (reader === undefined) return [];
  try {
    return [...reader.rows(EVERYTHING)];
  } finally {
    reader.close();
  }
}
