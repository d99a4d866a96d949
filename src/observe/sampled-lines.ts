/**
 * Log lines that a client can cause at will: the first of each kind are written, the rest are counted. Where some were
 * left out, one line says so when the window is over, so that a flood is a few lines and its size is known.
 */
import type { Clock, Timer } from '../time/clock.ts';
import type { Logger } from './logger.ts';

const WINDOW_MS = 10_000;

type Level = 'info' | 'warn' | 'error';

/** What lines have in common. Kinds are of closed sets, or of users whose token was verified. */
export interface LineKind {
  readonly level: Level;
  readonly message: string;
  /** How many of them are written in a window. */
  readonly lines: number;
  /** Fields that are the same in each of them. */
  readonly fields: Readonly<Record<string, string | null>>;
}

interface Counted extends LineKind {
  written: number;
  suppressed: number;
}

export class SampledLines {
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #kinds = new Map<string, Counted>();
  #window: Timer | undefined;

  constructor(logger: Logger, clock: Clock) {
    this.#logger = logger;
    this.#clock = clock;
  }

  /** Writes the line with its kind's fields and these, or counts it. */
  write(kind: LineKind, more: object): void {
    const { level, message, lines, fields } = kind;
    if (!this.#logger.isLevelEnabled(level)) return;
    const counted = this.#counted(kind);
    if (counted.written >= lines) counted.suppressed += 1;
    else {
      counted.written += 1;
      this.#logger[level]({ ...fields, ...more }, message);
    }
  }

  /** Ends the window: what was left out is told. */
  close(): void {
    this.#window?.cancel();
    this.#window = undefined;
    for (const { level, message, fields, suppressed } of this.#kinds.values())
      if (suppressed > 0) this.#logger[level]({ ...fields, suppressed }, `${message}: more of them`);
    this.#kinds.clear();
  }

  #counted(kind: LineKind): Counted {
    const key = `${kind.message} ${Object.values(kind.fields).join(' ')}`;
    const known = this.#kinds.get(key);
    if (known !== undefined) return known;
    const counted = { ...kind, written: 0, suppressed: 0 };
    this.#kinds.set(key, counted);
    this.#window ??= this.#clock.after(WINDOW_MS, () => this.close());
    return counted;
  }
}
