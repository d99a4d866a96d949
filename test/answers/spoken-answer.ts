/** An answer as a run has it: a log that grows, and what of it is to be kept. */
import type { KeptText } from '../../src/answers/port.ts';
import type { UsageIntent, UsageLedger, UsageSettlement } from '../../src/ledger/port.ts';
import type { EndingFrame } from '../../src/protocol/frames.ts';
import { toWire, utf16Length, type WireText } from '../../src/protocol/wire-text.ts';
import { MemoryStreamLogs } from '../../src/stream-log/memory.ts';
import type { StreamLogs } from '../../src/stream-log/port.ts';
import { intentOf, readingOf, settlementOf } from '../usage/runs.ts';

export const HOUR_MS = 3_600_000;
const LOGS = new MemoryStreamLogs({ maxBytes: 1 << 24, totalBytes: 1 << 28 });

export class SpokenAnswer {
  readonly intent: UsageIntent;
  readonly deltas: WireText[] = [];
  readonly #log;

  constructor(intent = intentOf(), logs: StreamLogs = LOGS) {
    this.intent = intent;
    this.#log = logs.create();
  }

  get textLength(): number {
    return this.deltas.reduce((length, delta) => length + utf16Length(delta), 0);
  }

  /** Inside of a JSON string literal. */
  get json(): string {
    return JSON.stringify(this.text).slice(1, -1);
  }

  get text(): string {
    return JSON.parse(`"${Buffer.from(this.deltas.join(''), 'latin1').toString()}"`) as string;
  }

  /** What of it does not depend on its ending. */
  get kept(): Omit<KeptText, 'epoch' | 'endedAt' | 'ending' | 'isDead'> {
    const { streamId, userId, action, model, startedAt } = this.intent;
    const { deltas, textLength } = this;
    const requestHash = this.requestHash;
    return {
      streamId,
      userId,
      action,
      model,
      requestHash,
      startedAt,
      head: deltas.length,
      textLength,
      deltas,
    };
  }

  get requestHash(): string {
    return `hash of ${this.intent.streamId}`;
  }

  say(...texts: string[]): void {
    for (const text of texts) {
      const delta = toWire(JSON.stringify(text).slice(1, -1));
      this.deltas.push(delta);
      this.#log.append('text', delta);
    }
  }

  async open(ledger: UsageLedger, keepMs = HOUR_MS): Promise<void> {
    const cursor = this.#log.cursor(0);
    if (cursor === undefined) throw new Error('the log has begun already');
    const position = () => ({ head: this.#log.head, textLength: this.textLength });
    const answer = {
      requestHash: this.requestHash,
      keepMs,
      cursor,
      position,
      again: () => this.#log.cursor(0),
    };
    await ledger.open(this.intent, () => readingOf(), answer);
  }

  /** Gives its memory back. */
  release(): void {
    this.#log.release();
  }

  endingAt(costUsd: number | null): EndingFrame {
    const { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens, source } = readingOf();
    const cost = costUsd === null ? {} : { costUsd };
    const usage = { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens, source, ...cost };
    const timing = { firstTokenMs: 431.5, totalMs: 2000.25, chunks: this.deltas.length, bytes: 0 };
    const { streamId: id, model } = this.intent;
    const { textLength } = this;
    const position = { id, seq: this.deltas.length, textLength };
    return { type: 'done', ...position, stopReason: 'end_turn', model, usage, timing };
  }

  settle(ledger: UsageLedger, given: Partial<UsageSettlement> = {}) {
    const { epoch, startedAt } = this.intent;
    const ending = (costUsd: number | null) => this.endingAt(costUsd);
    return ledger.settle(settlementOf(epoch, { endedAt: startedAt + 2000, ending, ...given }));
  }
}
