/** What runs tell of themselves beside their row, for the operator's webhook. The rows are the ledger's. */

export interface RunEvents {
  /** Whether events have the text of answers. */
  readonly includeText: boolean;
  /** A reader of that run holds its ending, and has shown it: nobody need be told that none does. */
  endingRead(epoch: string): void;
}
