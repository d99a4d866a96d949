/** What is fuzzed: something that takes text by a stranger, and what must hold of it whatever the text is. */
export interface FuzzTarget {
  readonly name: string;
  /** Inputs of our own, good and bad: what is mutated. */
  readonly corpus: readonly string[];
  /** Words that mean something to it, to be put anywhere. */
  readonly words?: readonly string[];
  /** Of the regular suite: together they take a few seconds. */
  readonly cases: number;
  open(): Promise<FuzzSubject> | FuzzSubject;
}

export interface FuzzSubject extends AsyncDisposable {
  /** @throws whatever, where a property does not hold */
  check(input: string): Promise<void> | void;
}

/** A subject that holds nothing. */
export function subject(check: FuzzSubject['check']): FuzzSubject {
  return { check, async [Symbol.asyncDispose]() {} };
}
