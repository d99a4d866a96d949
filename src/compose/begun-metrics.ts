/** What metrics begin with: the names of the operator's files that are labels, and what is set up. */
import type { Config } from '../config/environment.ts';
import type { ConfigFiles } from '../config/files.ts';
import { actionsOfPlan } from '../config/plan-actions.ts';
import type { Begun } from '../observability/metrics.ts';

/** Actions with the models that settings name for them, under any plan; others that clients may ask for begin when they are. */
export function begunMetrics(
  { DEFAULT_MODEL, REDIS_URL, DATABASE_URL, IDENTITY_VIEW, WEBHOOK_URL }: Config,
  { actions, plans, models }: Pick<ConfigFiles, 'actions' | 'plans' | 'models'>,
): Begun {
  const first = models.resolve(DEFAULT_MODEL);
  const named = new Map<string, Set<string>>();
  for (const plan of plans.all)
    for (const [action, { models: own = [first] }] of actionsOfPlan(actions, plan, models))
      named.set(action, new Set([...(named.get(action) ?? []), ...own]));
  const tools = [...actions.values()].flatMap(({ tools: own = [] }) => own.map(({ name }) => name));
  return {
    actions: [...named].flatMap(([action, own]) => Array.from(own, (model) => ({ action, model }))),
    tools: [...new Set(tools)],
    settings: Object.entries({ REDIS_URL, DATABASE_URL, IDENTITY_VIEW, WEBHOOK_URL }).flatMap(
      ([key, value]) => (value === undefined ? [] : [key]),
    ),
  };
}
