/**
 * What the operator's files of actions, plans, prices and models say now. They are read again when that is asked for: all
 * of them or none, by the rules of a start. Whoever needs them asks at the beginning of a run, which keeps what it got.
 */
import { type Config, ConfigError } from '../config/environment.ts';
import { type ConfigFiles, contentsOf, readConfigFiles, type SettingsKey } from '../config/files.ts';
import { systemClock } from '../time/clock.ts';
import { limitsBelowOneAnswer } from './answer-room.ts';
import type { Telemetry } from './metrics.ts';

export class Settings {
  readonly #config: Config;
  readonly #telemetry: Telemetry;
  readonly #listeners: ((files: ConfigFiles) => void)[] = [];
  #contents: ReadonlyMap<SettingsKey, string>;
  #now: ConfigFiles;

  /** @throws ConfigError naming everything that cannot be used */
  constructor(config: Config, telemetry: Telemetry) {
    this.#config = config;
    this.#telemetry = telemetry;
    this.#contents = contentsOf(config);
    this.#now = this.#read();
    this.#warn();
  }

  get now(): ConfigFiles {
    return this.#now;
  }

  /** What follows from them, computed once for each reading. */
  derived<Value>(of: (files: ConfigFiles) => Value): () => Value {
    let from = this.#now;
    let value = of(from);
    return () => {
      if (from !== this.#now) [from, value] = [this.#now, of(this.#now)];
      return value;
    };
  }

  /** Told of new ones, in the turn in which they begin to hold. */
  onChange(listener: (files: ConfigFiles) => void): void {
    this.#listeners.push(listener);
  }

  /** Reads them again. What is invalid changes nothing, and the log says all that is wrong. */
  reload(): void {
    const { logger, metrics } = this.#telemetry;
    const contents = contentsOf(this.#config);
    const changed = [...contents]
      .filter(([key, text]) => this.#contents.get(key) !== text)
      .map(([key]) => key);
    try {
      const files = this.#read();
      metrics.settingsReloads.inc({ outcome: changed.length === 0 ? 'unchanged' : 'done' });
      if (changed.length === 0) logger.info('settings read again: nothing has changed');
      else this.#replace(files, contents, changed);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      metrics.settingsReloads.inc({ outcome: 'refused' });
      const { problems } = error;
      logger.error({ problems }, 'settings read again cannot be used: those before hold, all of them');
    }
  }

  #replace(
    files: ConfigFiles,
    contents: ReadonlyMap<SettingsKey, string>,
    changed: readonly SettingsKey[],
  ): void {
    this.#contents = contents;
    this.#now = files;
    for (const tell of this.#listeners) tell(files);
    this.#telemetry.logger.info(
      { changed, ...countsOf(files) },
      'settings read again: they hold for what begins now',
    );
    this.#warn();
  }

  #read(): ConfigFiles {
    const { logger } = this.#telemetry;
    return readConfigFiles(this.#config, systemClock.now(), (tier) =>
      logger.warn({ tier }, 'a tier without a plan: its users have the plan free'),
    );
  }

  /** Of what holds and will not do what it seems to. */
  #warn(): void {
    for (const problem of limitsBelowOneAnswer(this.#config, this.#now, systemClock.now()))
      this.#telemetry.logger.warn(
        { problem },
        'a limit is smaller than one answer: each question is refused',
      );
  }
}

function countsOf({ actions, plans, prices, models }: ConfigFiles) {
  return {
    actions: actions.size,
    plans: plans.all.length,
    prices: prices.models.length,
    models: models.ids.length,
  };
}
