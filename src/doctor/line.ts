/** What the doctor says: lines, each with its mark, and the checks that they come from. */

export interface Line {
  /** Nothing to do; nothing to do now; something to do, and the text says what. */
  readonly mark: 'ok' | 'note' | 'fix';
  readonly text: string;
}

/** One thing that is asked. Checks run side by side. */
export interface Check {
  readonly name: string;
  /** What it may take, ms. */
  readonly limitMs?: number;
  /** @param signal aborts when the time is over: what is open is to be closed */
  run(signal: AbortSignal): Promise<readonly Line[]>;
}

export function ok(text: string): Line {
  return { mark: 'ok', text };
}

export function note(text: string): Line {
  return { mark: 'note', text };
}

export function fix(text: string): Line {
  return { mark: 'fix', text };
}
