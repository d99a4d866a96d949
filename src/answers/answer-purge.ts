/** Deletes answers whose time is over from this disk, where nothing else has them: at the start, and each hour. */
import type { Clock, Timer } from '../time/clock.ts';
import type { LocalAnswers } from './local-answers.ts';

const EVERY_MS = 3_600_000;

export class AnswerPurge {
  readonly #timer: Timer;

  /** @param onFailed of a disk that takes no writes: the next hour tries again */
  constructor(answers: Pick<LocalAnswers, 'purge'>, clock: Clock, onFailed: (cause: unknown) => void) {
    const purge = () => void answers.purge(clock.now()).catch(onFailed);
    this.#timer = clock.every(EVERY_MS, purge);
    purge();
  }

  async close(): Promise<void> {
    this.#timer.cancel();
  }
}
