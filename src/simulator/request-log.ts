/** What was asked of the simulated model and what it cost: for tests and benchmarks. Holds no word of a prompt. */
import type { Clock } from '../time/clock.ts';
import type { SimulatedHttpRequest } from './listener.ts';
import type { Write } from './message-events.ts';
import type { PromptUsage } from './prompt-cache.ts';

/** One request to `/v1/messages`, as it stands at this instant. */
export interface RequestRecord {
  /** The `request-id` it was answered with. */
  readonly id: string;
  /** Null until the body is read, and where it is not valid. */
  readonly model: string | null;
  readonly userHash: string | null;
  /** HTTP status decided on; null before. */
  readonly status: number | null;
  /** What its prompt is billed as, cache and all; null where nothing is said of it. */
  readonly prompt: PromptUsage | null;
  /** Output it would be charged for so far. */
  readonly tokensGenerated: number;
  /** Sums over all messages for which a final count has been sent; null before the first. */
  readonly usage: { readonly inputTokens: number; readonly outputTokens: number } | null;
  /** Whether the client left before the end. */
  readonly aborted: boolean;
  /** Monotonic ms of the clock. */
  readonly receivedAt: number;
  readonly closedAt: number | null;
  /** Only with `keepBodies`. */
  readonly headers?: SimulatedHttpRequest['headers'];
  readonly body?: unknown;
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

const KEPT = 10_000;

export class RequestLog {
  readonly records: RequestRecord[] = [];
  readonly #clock: Clock;
  #open = 0;
  #served = 0;
  #aborted = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Open at this instant; come to the end we gave them; left by the client. */
  get counts(): { open: number; served: number; aborted: number } {
    return { open: this.#open, served: this.#served, aborted: this.#aborted };
  }

  begin(id: string): Mutable<RequestRecord> {
    const record: Mutable<RequestRecord> = {
      id,
      model: null,
      userHash: null,
      status: null,
      prompt: null,
      tokensGenerated: 0,
      usage: null,
      aborted: false,
      receivedAt: this.#clock.elapsed(),
      closedAt: null,
    };
    this.#open += 1;
    this.records.push(record);
    if (this.records.length > KEPT) this.records.shift();
    return record;
  }

  wrote(record: Mutable<RequestRecord>, { tokens, announces }: Write): void {
    record.tokensGenerated += tokens;
    if (announces === undefined) return;
    record.usage = {
      inputTokens: announces.inputTokens + (record.usage?.inputTokens ?? 0),
      outputTokens: announces.outputTokens + (record.usage?.outputTokens ?? 0),
    };
  }

  closed(record: Mutable<RequestRecord>, aborted: boolean): void {
    this.#open -= 1;
    record.closedAt = this.#clock.elapsed();
    record.aborted = aborted;
    if (aborted) this.#aborted += 1;
    else this.#served += 1;
  }
}
