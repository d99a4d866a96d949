/**
 * Debug lines: what each run waits for, and each try at the model. They are had while the process runs (`toggleDebug`);
 * while they are off, a run costs one look at the level.
 */
import type { ErrorCode } from '../protocol/codes.ts';
import type { Clock } from '../time/clock.ts';
import type { Logger } from './logger.ts';
import type { AttemptTrace, Caller, RunIdentity, RunStep, RunTrace, TraceBeginning, Tracer } from './port.ts';

/** Levels that have debug lines. */
const DETAILED: ReadonlySet<string> = new Set(['debug', 'trace']);

/** Runs that begin while debug is on have these lines, until they end. */
export function createDebugLines(logger: Logger, clock: Clock): Tracer {
  return {
    begin: (run) => (logger.isLevelEnabled('debug') ? new DebugLines(logger, clock, run) : undefined),
  };
}

/**
 * From the level of the configuration to `debug`, and back; where that one has debug lines, to `info` and back.
 * @param configured LOG_LEVEL
 */
export function toggleDebug(logger: Logger, configured: string): void {
  const other = DETAILED.has(configured) ? 'info' : 'debug';
  const logLevel = logger.level === configured ? other : configured;
  // Said while the more detailed of both holds: a level above `info` would swallow it.
  if (DETAILED.has(logLevel)) logger.level = logLevel;
  logger.info({ logLevel }, 'log level changed');
  logger.level = logLevel;
}

class DebugLines implements RunTrace {
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #run: Omit<RunIdentity, 'action' | 'model'> & Caller;

  constructor(logger: Logger, clock: Clock, run: TraceBeginning) {
    this.#logger = logger;
    this.#clock = clock;
    const { streamId, epoch, userId, door, requestId, connectionId } = run;
    this.#run = { streamId, epoch, userId, door, requestId, connectionId };
  }

  step(step: RunStep): (code: ErrorCode | null) => void {
    const since = this.#clock.elapsed();
    return (code) => this.#logger.debug({ ...this.#run, step, code, ms: this.#ms(since) }, 'step over');
  }

  attempt(model: string, attempt: number): AttemptTrace {
    const since = this.#clock.elapsed();
    const tried = { ...this.#run, model, attempt };
    this.#logger.debug(tried, 'upstream attempt begun');
    return {
      headers: {},
      answered: (status, upstreamRequestId) =>
        this.#logger.debug(
          { ...tried, status, upstreamRequestId, ms: this.#ms(since) },
          'upstream attempt answered',
        ),
      ended: (outcome, code) =>
        this.#logger.debug({ ...tried, outcome, code, ms: this.#ms(since) }, 'upstream attempt over'),
    };
  }

  /** Of these there are lines already. */
  ended(): void {}

  refused(): void {}

  /** With one digit after the point. */
  #ms(since: number): number {
    return Math.round((this.#clock.elapsed() - since) * 10) / 10;
  }
}
