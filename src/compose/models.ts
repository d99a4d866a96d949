/** The models in use as the API has them, and what the log says of it. */
import type { Config } from '../config/environment.ts';
import { modelsInUse } from '../config/models-in-use.ts';
import { ModelWatch } from '../models/model-watch.ts';
import { systemClock } from '../time/clock.ts';
import type { AnthropicUpstream } from '../upstream/anthropic.ts';
import type { Telemetry } from './metrics.ts';
import type { Settings } from './settings.ts';

export function composeModels(
  config: Config,
  settings: Settings,
  upstream: AnthropicUpstream,
  { logger }: Telemetry,
): ModelWatch {
  const watch = new ModelWatch({
    table: settings.now.models,
    used: modelsInUse(config, settings.now),
    clock: systemClock,
    list: () => upstream.listModels(),
    onFinding(finding, usedBy) {
      // Of a model that no setting names it is only good to know.
      const level = usedBy.length === 0 ? 'info' : 'warn';
      logger[level]({ ...finding, usedBy }, FOUND[finding.state]);
    },
    onResolved: (model, state) => logger.info({ model, state }, 'of a model in use that is so no more'),
    onUnlisted: (why) =>
      logger.info(why, "the API's list of models cannot be had: models are known by the models file alone"),
  });
  settings.onChange((files) => watch.use(files.models, modelsInUse(config, files)));
  return watch;
}

const FOUND = {
  retired: 'a model in use is retired: it is asked no more, and who names it is refused; name another',
  deprecated: 'a model in use will retire: name another before',
  unlisted: 'a model in use is not in the list of the API: misspelt, not for this key, or gone',
  differs: 'the API says otherwise of a model in use than the models file: bring MODELS_FILE up to date',
} as const;
