/** The switches while the relay runs: their file is read again, and the log says what changed. */
import { isDeepStrictEqual } from 'node:util';
import type { Config } from '../config/environment.ts';
import { readSwitches, type Switches } from '../config/switches.ts';
import type { Logger } from '../observability/logger.ts';
import { systemClock, type Timer } from '../time/clock.ts';

/** How soon a change of the file counts, ms. */
const READ_EACH_MS = 500;

export interface WatchedSwitches {
  /** At this moment. */
  readonly now: Switches;
  close(): void;
}

export function watchSwitches(config: Config, logger: Logger): WatchedSwitches {
  let now = readSwitches(config);
  let fault: string | undefined;
  if (!now.RELAY_ENABLED) logger.warn(now, 'the relay is switched off: it takes no question');
  const read = (): void => {
    try {
      const next = readSwitches(config);
      fault = undefined;
      if (isDeepStrictEqual(next, now)) return;
      now = next;
      logger.warn(next, 'switches changed');
    } catch (cause) {
      const { message } = cause as Error; // of the operator's own file
      if (message !== fault)
        logger.error({ why: message }, 'SWITCHES_FILE cannot be used: its last values hold');
      fault = message;
    }
  };
  const timer: Timer | undefined =
    config.SWITCHES_FILE === undefined ? undefined : systemClock.every(READ_EACH_MS, read);
  return {
    get now() {
      return now;
    },
    close: () => timer?.cancel(),
  };
}
