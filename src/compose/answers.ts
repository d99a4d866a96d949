/** Answers that are kept: where they lie, how they get to Postgres, and what the operator hears of them. */
import { AnswerPurge } from '../answers/answer-purge.ts';
import { AnswerShipper } from '../answers/answer-shipper.ts';
import type { LocalAnswers } from '../answers/local-answers.ts';
import type { KeptAnswers } from '../answers/port.ts';
import { PostgresAnswers } from '../answers/postgres-answers.ts';
import { AnswerKeys } from '../answers/seal.ts';
import { type AnswerPlace, StoredAnswers } from '../answers/stored-answers.ts';
import type { Config } from '../config/environment.ts';
import type { AnswerEvents } from '../ledger/ledger-answers.ts';
import type { PostgresPool } from '../postgres/pool.ts';
import { HOUR_MS } from '../quota/keep.ts';
import { systemClock } from '../time/clock.ts';
import type { Telemetry } from './metrics.ts';

/** Longer than any run takes: what a relay has of an answer is over by then. */
const LATE_MS = 24 * HOUR_MS;

export function composePostgresAnswers(
  { KEEP_ANSWERS_HOURS: hours, ANSWERS_KEY: keys }: Config,
  pool: PostgresPool,
  telemetry: Telemetry,
): PostgresAnswers {
  const { onSealed } = answerEventsOf(telemetry);
  const forgottenMs = hours * HOUR_MS + LATE_MS;
  return new PostgresAnswers({ pool, keys: new AnswerKeys(keys), forgottenMs, onSealed });
}

/** Undefined where none are kept. @param local of this machine */
export function composeAnswers(
  { KEEP_ANSWERS_HOURS: hours }: Config,
  local: readonly AnswerPlace[],
  remote: AnswerPlace | undefined,
  { sampled }: Telemetry,
): KeptAnswers | undefined {
  if (hours === 0) return undefined;
  return new StoredAnswers({
    local,
    remote,
    clock: systemClock,
    onFailed: (what, cause) => sampled.write(UNREACHED, undefined, { what, cause }),
  });
}

/** What becomes of those in a ledger: they go to Postgres where there is one, and otherwise when their time is over. */
export function composeAnswerShipper(
  { KEEP_ANSWERS_HOURS: hours }: Config,
  answers: LocalAnswers,
  postgres: PostgresAnswers | undefined,
  { logger, observer }: Telemetry,
): AnswerShipper | AnswerPurge {
  if (postgres === undefined)
    return new AnswerPurge(answers, systemClock, (cause) =>
      observer.failed({ what: 'answers: purge', cause }),
    );
  return new AnswerShipper({
    answers,
    postgres,
    clock: systemClock,
    isKeeping: hours > 0,
    onOutage: (event) => logger.error(event, 'answers do not reach Postgres: kept here, tried again'),
    onRecovered: () => logger.info('answers reach Postgres again'),
    onRefused: (event) => logger.error(event, 'Postgres refuses an answer: kept here, tried again each hour'),
  });
}

export function answerEventsOf({ sampled, metrics }: Telemetry): AnswerEvents {
  return {
    onKept: () => metrics.answersKept.inc({ outcome: 'kept' }),
    onLost({ epoch, cause }) {
      metrics.answersKept.inc({ outcome: 'lost' });
      sampled.write(LOST, undefined, { epoch, cause });
    },
    onSealed({ epoch }) {
      metrics.answersKept.inc({ outcome: 'unopened' });
      sampled.write(SEALED, undefined, { epoch });
    },
  };
}

const UNREACHED = {
  level: 'error',
  message: 'kept answers cannot be reached: who asks for one is told to try again',
  lines: 3,
  fields: {},
} as const;

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
