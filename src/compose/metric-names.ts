/** What of the operator's files are labels of metrics: so that their counters begin at 0. */
import type { Config } from '../config/environment.ts';
import type { ConfigFiles } from '../config/files.ts';
import { actionsOfPlan } from '../config/plan-actions.ts';
import type { MetricNames } from '../observability/metrics.ts';

/** Actions with the models that settings name for them, under any plan; others that clients may ask for begin when they are. */
export function metricNames(
  { DEFAULT_MODEL }: Config,
  { actions, plans, models }: Pick<ConfigFiles, 'actions' | 'plans' | 'models'>,
): MetricNames {
  const first = models.resolve(DEFAULT_MODEL);
  const named = new Map<string, Set<string>>();
  for (const plan of plans.all)
    for (const [action, { models: own = [first] }] of actionsOfPlan(actions, plan, models))
      named.set(action, new Set([...(named.get(action) ?? []), ...own]));
  const tools = [...actions.values()].flatMap(({ tools: own = [] }) => own.map(({ name }) => name));
  return {
    actions: [...named].flatMap(([action, own]) => Array.from(own, (model) => ({ action, model }))),
    tools: [...new Set(tools)],
  };
}
