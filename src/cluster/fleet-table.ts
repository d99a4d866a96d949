/**
 * Port of the tables that an operator sets for all machines, switches and revocations: kept with what they share, as text
 * that nobody believes.
 */

/** By name, its value as text. */
export type FleetEntries = Readonly<Record<string, string>>;

export interface FleetTable {
  /** What is set; nothing where nobody set any, or it was lost. @throws FleetUnreachable */
  read(): Promise<FleetEntries>;
  /** One of them, undefined where it is not set. @throws FleetUnreachable */
  readOne(name: string): Promise<string | undefined>;
  /** Sets what has a value and takes back what has none, in one step; all machines are told. @throws FleetUnreachable */
  change(entries: Readonly<Record<string, string | undefined>>): Promise<void>;
  /** Called where something may have changed. A message that is lost does not call it. */
  onChange(listener: () => void): void;
}

/** The place where they are kept cannot be asked now. The message says why, and what to do where that is known. */
export class FleetUnreachable extends Error {
  override readonly name = 'FleetUnreachable';
}
