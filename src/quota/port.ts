/**
 * Quota port: what a run may cost at most is reserved before its call, and what it did cost is counted after it. The
 * core knows quotas only by this file.
 *
 * Reserved are the prompt, estimated with room, and the answer as its cap. So `used + reserved` of a counter is what its
 * runs will have cost at most, but for prompts that are denser than the estimate, until they are counted or billed.
 */

import type { UsageSettlement } from '../ledger/port.ts';
import type { CacheBreakpoints } from '../models/cache.ts';
import type { OutputFormat } from '../models/output-format.ts';
import type { ToolUse } from '../models/tools.ts';
import type { Message, QuotaState } from '../protocol/frames.ts';
import type { UploadedFiles } from '../uploads/port.ts';

/** Who pays. */
export interface QuotaHolder {
  readonly userId: string;
  /** Null: the user counts as an organisation of one. */
  readonly organizationId: string | null;
  /** Names the plan; unknown ones and null mean `free`. */
  readonly tier: string | null;
  /** Has the plan `anonymous`, whatever the tier. */
  readonly anonymous: boolean;
}

export interface QuotaRun {
  readonly epoch: string;
  readonly holder: QuotaHolder;
  readonly action: string;
  readonly model: string;
  /** What is sent to the model: measured at once, never kept. */
  readonly system: string;
  readonly instructions?: string | undefined;
  readonly messages: readonly Message[];
  /** What they name by its id: an image costs by its sides, a PDF by its pages. */
  readonly uploads?: UploadedFiles | undefined;
  readonly outputFormat?: OutputFormat | undefined;
  /** Tools that it may ask for: each time it is asked anew. */
  readonly toolUse?: ToolUse | undefined;
  readonly maxTokens: number;
  /** What of the prompt is marked for the API's cache: writing there costs more. */
  readonly cache?: CacheBreakpoints | undefined;
  /** The model that may answer in its place. */
  readonly fallback?: Pick<QuotaRun, 'model' | 'maxTokens' | 'cache' | 'refusalFallbacks'> | undefined;
  /** Models that may be billed besides, one after the other; `default`: one that is not known before. */
  readonly refusalFallbacks?: 'default' | readonly Pick<QuotaRun, 'model' | 'maxTokens'>[] | undefined;
  /** Unix ms, the same as the intent's: the day and month that pay, however late the run ends. */
  readonly startedAt: number;
}

export type QuotaOutcome = Pick<UsageSettlement, 'epoch' | 'status' | 'code' | 'usage'>;

export interface Reservation {
  /** Of the prompt, estimated: tokens of the model that is asked. */
  readonly promptTokens: number;
  /** The quota that is nearest to its end, from 80 percent on. */
  readonly warning?: QuotaState;
}

/** One quota of a holder. `used` holds ended runs, `reserved` what live ones may still cost. */
export interface QuotaLine {
  readonly of: QuotaState['of'];
  readonly scope: QuotaState['scope'];
  /** Only of requests. */
  readonly action?: string;
  readonly period: QuotaState['period'];
  readonly used: number;
  readonly reserved: number;
  /** Null: none. */
  readonly limit: number | null;
  /** Unix ms. */
  readonly resetsAt: number;
}

export interface QuotaReport {
  readonly plan: string;
  readonly quotas: readonly QuotaLine[];
}

export interface Quota {
  /**
   * Reserves what the run may cost, all or nothing.
   * @throws RelayError `quota_exceeded` with its figures; `unavailable` where it cannot be checked and must be
   */
  reserve(run: QuotaRun): Promise<Reservation>;
  /**
   * Puts what the asked model counted in the place of the prompt's estimate, up or down, whatever the limits are: the run
   * is live. Nothing happens once it is settled or released. Never throws.
   */
  correct(epoch: string, promptTokens: number): void;
  /** Puts the run's cost in the place of its reservation. Only the first call for an epoch counts. Never throws. */
  settle(outcome: QuotaOutcome): void;
  /** Gives back the reservation of a run that never began. Never throws. */
  release(epoch: string): void;
  /** How the holder's counters stand. */
  usageOf(holder: QuotaHolder): Promise<QuotaReport>;
}
