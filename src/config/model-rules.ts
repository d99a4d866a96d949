/**
 * Whether actions and models go together: what a model would not take is refused at the start, by a sentence that names
 * the action, the key, the models and what would be right. Judged for the models that an action names, or the default
 * one; of the others that clients may ask for each takes what comes nearest.
 */
import type { ModelTable } from '../models/model-table.ts';
import { unusableSettings } from '../models/thinking.ts';
import type { Action, Actions } from '../run/request.ts';

export interface ModelRules {
  readonly actions: Actions;
  readonly models: ModelTable;
  readonly defaultModel: string;
}

/**
 * Lines `KEY: what is wrong, what to do`.
 * @param now Unix ms
 */
export function modelProblems(rules: ModelRules, now: number): string[] {
  const { actions, models, defaultModel } = rules;
  const answers = (model: string): boolean => models.answers(model, now);
  const usesDefault = [...actions.values()].some((action) => action.models === undefined);
  return [
    ...(usesDefault && !answers(defaultModel)
      ? [`DEFAULT_MODEL: ${defaultModel} is retired; choose one that answers`]
      : []),
    ...[...actions].flatMap(([name, action]) =>
      actionProblems(action, action.models ?? [defaultModel], models, answers).map(
        (problem) => `ACTIONS_FILE: ${name}.${problem}`,
      ),
    ),
  ];
}

function actionProblems(
  action: Action,
  ids: readonly string[],
  models: ModelTable,
  answers: (model: string) => boolean,
): string[] {
  const alive = ids.filter(answers);
  if (alive.length === 0 && action.models !== undefined)
    return [`models: none answers any more, all are retired; name one that does (${ids.join(', ')})`];
  const byProblem = new Map<string, string[]>();
  for (const model of alive)
    for (const { key, why } of unusableSettings(models.find(model), action, action.maxTokens)) {
      const problem = `${key}: ${why}`;
      byProblem.set(problem, [...(byProblem.get(problem) ?? []), model]);
    }
  return [...byProblem].map(([problem, of]) => `${problem} (${of.join(', ')})`);
}
