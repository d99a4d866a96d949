/**
 * Log lines that a client can cause at will: the first of each kind are written, the rest are counted. Where some were
 * left out, one line says so when the window is over, so that a flood is a few lines and its size is known.
 */
import type { Clock, Timer } from '../time/clock.ts';
import type { LogMessage } from './log-events.ts';
import { type Logger, MORE } from './logger.ts';

const WINDOW_MS = 10_000;

type Level = 'info' | 'warn' | 'error';

/** What lines have in common. Kinds are of closed sets. */
export interface LineKind {
  readonly level: Level;
  readonly message: LogMessage;
  /** How many of them are written in a window, of each user. */
  readonly lines: number;
  /** Fields that are the same in each of them. */
  readonly fields: Readonly<Record<string, string>>;
}

/** Whose line it is: a user whose token was verified, null where nobody is known, undefined where it is of no user. */
type UserId = string | null | undefined;

interface Count {
  written: number;
  suppressed: number;
}

interface Counted {
  readonly kind: LineKind;
  readonly users: Map<UserId, Count>;
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

  /** Writes the line with its kind's fields, its user and these, or counts it. */
  write(kind: LineKind, userId: UserId, more: object): void {
    const { level, message, lines, fields } = kind;
    if (!this.#logger.isLevelEnabled(level)) return;
    const count = this.#countOf(kind, userId);
    if (count.written >= lines) count.suppressed += 1;
    else {
      count.written += 1;
      this.#logger[level]({ ...fields, userId, ...more }, message);
    }
  }

  /** Ends the window: what was left out is told. */
  close(): void {
    this.#window?.cancel();
    this.#window = undefined;
    for (const { kind, users } of this.#kinds.values()) {
      const { level, message, fields } = kind;
      for (const [userId, { suppressed }] of users)
        if (suppressed > 0) this.#logger[level]({ ...fields, userId, suppressed }, `${message}${MORE}`);
    }
    this.#kinds.clear();
  }

  /** By kind, then by user: their id is a string whose hash is known, so that a crowd costs two look-ups each. */
  #countOf(kind: LineKind, userId: UserId): Count {
    let key = kind.message;
    for (const field of Object.values(kind.fields)) key += ` ${field}`;
    const { users } = this.#kinds.get(key) ?? this.#add(key, kind);
    const known = users.get(userId);
    if (known !== undefined) return known;
    const count = { written: 0, suppressed: 0 };
    users.set(userId, count);
    return count;
  }

  #add(key: string, kind: LineKind): Counted {
    const counted = { kind, users: new Map<UserId, Count>() };
    this.#kinds.set(key, counted);
    this.#window ??= this.#clock.after(WINDOW_MS, () => this.close());
    return counted;
  }
}
