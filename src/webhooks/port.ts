/** What runs tell of themselves beside their row, for the operator's webhook. The rows are the ledger's. */

export interface RunEvents {
  /** Whether events have the text of answers. */
  readonly includeText: boolean;
  /** A reader of that run holds its ending, and has shown it: nobody need be told that none does. */
  endingRead(epoch: string): void;
  /** Takes answers' texts out of what waits to be told of a user, or of one stream. Resolves when they are gone from the disk. */
  forgetText(userId: string, streamId?: string): Promise<void>;
}
