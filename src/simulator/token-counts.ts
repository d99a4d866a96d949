/** What `/v1/messages/count_tokens` was asked, and what it can be told to do. Holds no word of a prompt. */
import type { RefusalBehaviour, SilentBehaviour } from './behaviour.ts';

/** `waitMs`: after so long, by the simulator's clock. `inputTokens`: so many, whatever the prompt is. */
export type CountBehaviour =
  | RefusalBehaviour
  | SilentBehaviour
  | { readonly inputTokens?: number; readonly waitMs?: number };

/** One request, as it stands at this instant. */
export interface CountRecord {
  /** The `request-id` it was answered with. */
  readonly id: string;
  /** Null until the body is read, and where it is not valid. */
  readonly model: string | null;
  /** HTTP status; null until it is answered. */
  readonly status: number | null;
  /** What it was told; null before, and where it was refused. */
  readonly inputTokens: number | null;
  /** Whether the client left before it was answered. */
  readonly aborted: boolean;
  /** Only with `keepBodies`. */
  readonly body?: unknown;
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

const KEPT = 10_000;

export class CountLog {
  readonly records: CountRecord[] = [];

  begin(id: string): Mutable<CountRecord> {
    const record = { id, model: null, status: null, inputTokens: null, aborted: false };
    this.records.push(record);
    if (this.records.length > KEPT) this.records.shift();
    return record;
  }
}
