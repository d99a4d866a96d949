/** What the benchmark tells the ledger's process and hears from it. */
export interface LedgerOptions {
  /** Root of the checkout whose ledger it is. */
  readonly directory: string;
  readonly rows: number;
  readonly atOnce: number;
}

export interface Spent {
  readonly seconds: number;
  /** Of this process: Postgres is another. */
  readonly cpuMicros: number;
  readonly longestTurnMs: number;
}

export interface LedgerReport {
  readonly local: Spent;
  /** Rows in Postgres afterwards, and how many different ones. */
  readonly shipped: Spent & { readonly rows: number; readonly distinct: number };
}
