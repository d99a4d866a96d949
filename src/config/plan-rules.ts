/** Whether plans and actions go together: what a plan says of an action that is none is refused at the start. */
import { actionsLimitedBy, type Plan } from '../quota/plans.ts';
import type { Actions } from '../run/request.ts';

/** Lines `KEY: what is wrong, what to do`. */
export function planProblems(plans: readonly Plan[], actions: Actions): string[] {
  return plans.flatMap((plan) =>
    actionsLimitedBy(plan)
      .filter((name) => !actions.has(name))
      .map((name) => unknownAction(`${plan.name}.requestsPerActionPerMonth`, name, actions)),
  );
}

function unknownAction(place: string, name: string, actions: Actions): string {
  return `PLANS_FILE: ${place}: "${name}" is no action; there are ${[...actions.keys()].join(', ')}`;
}
