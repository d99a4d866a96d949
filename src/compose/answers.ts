/** Answers that are kept: where they are read back from, and what the operator hears of them. */
import type { KeptAnswers } from '../answers/port.ts';
import { StoredAnswers } from '../answers/stored-answers.ts';
import type { Config } from '../config/environment.ts';
import type { LocalUsageLedger } from '../ledger/ledger.ts';
import type { AnswerEvents } from '../ledger/ledger-answers.ts';
import { systemClock } from '../time/clock.ts';
import type { Telemetry } from './metrics.ts';

/** Undefined where none are kept. */
export function composeAnswers(
  { KEEP_ANSWERS_HOURS: hours }: Config,
  ledger: LocalUsageLedger,
  { observer }: Telemetry,
): KeptAnswers | undefined {
  if (hours === 0) return undefined;
  return new StoredAnswers({
    local: [ledger.answers],
    remote: undefined,
    clock: systemClock,
    onFailed: (what, cause) => observer.failed({ what: `answers: ${what}`, cause }),
  });
}

export function answerEventsOf({ sampled }: Telemetry): AnswerEvents {
  return {
    onKept() {},
    onLost: ({ epoch, cause }) => sampled.write(LOST, undefined, { epoch, cause }),
    onSealed: ({ epoch }) => sampled.write(SEALED, undefined, { epoch }),
  };
}

const LOST = {
  level: 'error',
  message: 'an answer is not kept: its text could not be written',
  lines: 20,
  fields: {},
} as const;

const SEALED = {
  level: 'error',
  message: 'a kept answer cannot be opened: its ANSWERS_KEY is not set, or it is damaged',
  lines: 20,
  fields: {},
} as const;
