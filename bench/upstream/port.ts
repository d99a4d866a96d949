/** What the benchmark tells the upstream and hears from it. */
export interface UpstreamOptions {
  readonly key: string;
  readonly cert: string;
  /** Of each answer. */
  readonly deltasPerSecond: number;
  /** Mean length of an answer; lengths spread evenly from 0.5 to 1.5 times that. */
  readonly answerDeltas: number;
  /** Earliest and latest first delta after the request's arrival, ms. */
  readonly firstTokenMs: readonly [number, number];
}

export interface UpstreamReport {
  /** Requests since the last reset. */
  readonly opened: number;
  /** Requests open now. */
  readonly open: number;
  /** Deltas written since the last reset. */
  readonly deltas: number;
  /** Stream name → microseconds (see stamp.ts) at which its request was closed before its last delta. */
  readonly aborted: Readonly<Record<string, number>>;
  readonly cpuMicros: number;
}
