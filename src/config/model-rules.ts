/**
 * Whether actions, plans and models go together: what a model would not take is refused at the start, by a sentence that
 * names the plan, the action, the key, the models and what would be right. Judged for the models that an action or a plan
 * names, or the default one; of the others that clients may ask for each takes what comes nearest.
 */
import type { ModelFacts, ModelTable } from '../models/model-table.ts';
import { unusableFormat } from '../models/output-format.ts';
import { takesRefusalFallbacks, whyNoRefusalFallbacks } from '../models/refusal-fallbacks.ts';
import type { ModelSettings } from '../models/settings.ts';
import { type Unusable, unusableSettings } from '../models/thinking.ts';
import type { Plan } from '../quota/plans.ts';
import type { Action, Actions } from '../run/request.ts';
import { actionsOfPlan } from './plan-actions.ts';

export interface ModelRules {
  readonly actions: Actions;
  readonly plans: readonly Plan[];
  readonly models: ModelTable;
  readonly defaultModel: string;
}

/**
 * Lines `KEY: what is wrong, what to do`.
 * @param now Unix ms
 */
export function modelProblems(rules: ModelRules, now: number): string[] {
  const { actions, plans, models, defaultModel } = rules;
  const answers = (model: string): boolean => models.answers(model, now);
  const problemsOf = (action: Action): Unusable[] => {
    const ids = action.models ?? [defaultModel];
    return [
      ...actionProblems(action, ids, models, answers),
      ...fallbackProblems(action, ids, models, answers),
      ...refusalFallbackProblems(action, ids.filter(answers), models, answers),
    ];
  };
  const usesDefault = [...actions.values()].some((action) => action.models === undefined);
  return [
    ...(usesDefault && !answers(defaultModel)
      ? [`DEFAULT_MODEL: ${defaultModel} is retired; choose one that answers`]
      : []),
    ...[...actions].flatMap(([name, action]) =>
      problemsOf(action).map(({ key, why }) => `ACTIONS_FILE: ${name}.${key}: ${why}`),
    ),
    ...plans.flatMap((plan) => planProblems(plan, rules, problemsOf)),
  ];
}

function actionProblems(
  action: Action,
  ids: readonly string[],
  models: ModelTable,
  answers: (model: string) => boolean,
): Unusable[] {
  const { fallback } = action;
  const alive = ids.filter(answers);
  if (alive.length === 0 && action.models !== undefined)
    return [
      {
        key: 'models',
        why: `none answers any more, all are retired; name one that does (${ids.join(', ')})`,
      },
    ];
  const byProblem = new Map<string, Unusable & { readonly of: string[] }>();
  for (const model of fallback === undefined ? alive : new Set([...alive, fallback]))
    for (const { key, why } of unusableOf(action, models.find(model))) {
      const known = byProblem.get(`${key}: ${why}`);
      if (known === undefined) byProblem.set(`${key}: ${why}`, { key, why, of: [model] });
      else known.of.push(model);
    }
  return [...byProblem.values()].map(({ key, why, of }) => ({ key, why: `${why} (${of.join(', ')})` }));
}

function unusableOf(action: Action, model: ModelFacts | undefined): readonly Unusable[] {
  return [
    ...unusableSettings(model, action, action.maxTokens),
    ...unusableFormat(model, action.outputFormat),
  ];
}

/** Of the actions that the plan changes, what was not wrong without it. */
function planProblems(
  plan: Plan,
  { actions, models }: ModelRules,
  problemsOf: (action: Action) => Unusable[],
): string[] {
  return [...actionsOfPlan(actions, plan, models)].flatMap(([name, action]) => {
    const own = actions.get(name);
    if (own === undefined || own === action) return [];
    const before = new Set(problemsOf(own).map(({ key, why }) => `${key}: ${why}`));
    const problems =
      action.models?.length === 0 ? [nothingInCommon(plan.name, name, own)] : problemsOf(action);
    return problems
      .filter(({ key, why }) => !before.has(`${key}: ${why}`))
      .map(({ key, why }) => `PLANS_FILE: ${placeOf(plan, name, key)}: ${why}`);
  });
}

function nothingInCommon(plan: string, name: string, { models = [] }: Action): Unusable {
  const why = `none is one of the action's own (${models.join(', ')}); name one of those, or others in ${plan}.actions.${name}.models`;
  return { key: 'models', why };
}

/** Where the value stands, or where it can be set for this plan alone. */
function placeOf({ name: plan, settings, actions }: Plan, action: string, key: string): string {
  const [field = key] = key.split('.');
  const has = (over: ModelSettings | undefined): boolean => Object.hasOwn(over ?? {}, field);
  const own = `${plan}.actions.${action}.${key}`;
  if (has(actions?.get(action))) return own;
  return has(settings) ? `${plan}.settings.${key}, for ${action}` : `${own}, not set and so the action's`;
}

/** What a fallback has to be, to be asked when it is needed: none of this shows before the first overload. */
function fallbackProblems(
  { fallback }: Action,
  ids: readonly string[],
  models: ModelTable,
  answers: (model: string) => boolean,
): Unusable[] {
  if (fallback === undefined) return [];
  const problem = (why: string): Unusable[] => [{ key: 'fallback', why: `${why} (${fallback})` }];
  if (ids.find(answers) === fallback) return problem('is the model that it stands in for; name another');
  if (models.find(fallback) === undefined)
    return problem('is not in MODELS_FILE, so how it is asked is not known; add it there, or name another');
  if (!answers(fallback)) return problem('is retired; name one that answers');
  return [];
}

/** Some models of an action may have none; where none of them takes what is set, it would never be sent. */
function refusalFallbackProblems(
  { refusalFallbacks: setting = 'off' }: Action,
  ids: readonly string[],
  models: ModelTable,
  answers: (model: string) => boolean,
): Unusable[] {
  const key = 'refusalFallbacks';
  if (setting === 'off' || ids.length === 0) return [];
  const known = ids.map((id) => models.find(id));
  if (!known.some((model) => takesRefusalFallbacks(model, setting)))
    return [{ key, why: `${whyNoRefusalFallbacks(known[0])} (${ids.join(', ')})` }];
  if (setting === 'default') return [];
  const unknown = setting.filter((id) => models.find(id) === undefined);
  const retired = setting.filter((id) => !answers(id));
  return [
    ...unknown.map((id) => ({
      key,
      why: `is not in MODELS_FILE, so how it is asked is not known; add it there, or name another (${id})`,
    })),
    ...retired.map((id) => ({ key, why: `is retired; name one that answers (${id})` })),
  ];
}
