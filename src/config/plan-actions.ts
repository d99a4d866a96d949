/**
 * The actions as each plan has them: its settings laid over their own, computed once at the start. What a plan says of a
 * single action counts most, then what it says of all, then the action's own word.
 */
import type { ModelTable } from '../models/model-table.ts';
import { type ModelSettings, settingsOver, withIds } from '../models/settings.ts';
import type { Plan, Plans } from '../quota/plans.ts';
import type { QuotaHolder } from '../quota/port.ts';
import type { Action, Actions, PlanActions } from '../run/request.ts';

/** By the plan of whoever asks. */
export function actionsByPlan(
  actions: Actions,
  plans: Plans,
  table: ModelTable,
): (holder: QuotaHolder) => PlanActions {
  const byName = new Map(plans.all.map((plan) => [plan.name, actionsOfPlan(actions, plan, table)]));
  return (holder) => {
    const { name, keep } = plans.planOf(holder);
    return { plan: name, actions: byName.get(name) ?? actions, keep };
  };
}

/** An action of which the plan says nothing is the same object. */
export function actionsOfPlan(actions: Actions, plan: Plan, table: ModelTable): Actions {
  return new Map([...actions].map(([name, action]) => [name, actionOfPlan(name, action, plan, table)]));
}

function actionOfPlan(name: string, action: Action, { settings, actions }: Plan, table: ModelTable): Action {
  const ofAll = settings === undefined ? action : restricted(action, withIds(settings, table));
  const own = actions?.get(name);
  if (own === undefined) return ofAll;
  const over = withIds(own, table);
  return withinPlan(settingsOver(ofAll, over), over);
}

/** What is said of all actions widens the models of none: the plan's order, and what the action has of it. */
function restricted(action: Action, settings: ModelSettings): Action {
  const { models } = action;
  const over = settingsOver(action, settings);
  const own =
    models === undefined ? over : { ...over, models: over.models?.filter((id) => models.includes(id)) };
  return withinPlan(own, settings);
}

/** Who stands in for another one is of the plan's models, where it names any and does not say who stands in. */
function withinPlan(action: Action, settings: ModelSettings): Action {
  return refusalFallbacksWithin(fallbackWithin(action, settings), settings);
}

/** Where a plan names models but no fallback, that of the action is one of these models, and not the first, or none. */
function fallbackWithin(action: Action, { models, fallback }: ModelSettings): Action {
  if (action.fallback === undefined || fallback !== undefined || models === undefined) return action;
  const isOther = models.includes(action.fallback) && action.models?.[0] !== action.fallback;
  return isOther ? action : { ...action, fallback: undefined };
}

/** The same of those that the API is to ask where a model declines: what the plan does not have is left out. */
function refusalFallbacksWithin(action: Action, { models, refusalFallbacks: own }: ModelSettings): Action {
  const { refusalFallbacks } = action;
  if (typeof refusalFallbacks !== 'object' || own !== undefined || models === undefined) return action;
  const within = refusalFallbacks.filter((id) => models.includes(id));
  return { ...action, refusalFallbacks: within.length === 0 ? 'off' : within };
}
