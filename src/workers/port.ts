/** What a process that is one of several knows of the others, where a limit holds for all of them together. */

/** How many there are now of what is given back: connections of a user, what live runs have reserved. */
export interface HeldElsewhere {
  /** At the other workers. */
  of(key: string): number;
  /** So many are here from now on. */
  changed(key: string, count: number): void;
}

/** How often something is done that is limited for a while. */
export interface TakenElsewhere<Key = string> {
  /** Once more here. */
  took(key: Key): void;
  /** The listener is told of what the others did. */
  onTaken(listener: (key: Key, count: number) => void): void;
}

/** The limits of a machine that its workers count together, by name. */
export interface SharedLimits {
  held(limit: string): HeldElsewhere;
  taken(limit: string): TakenElsewhere;
}
