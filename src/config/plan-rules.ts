/** Whether plans and actions go together: what a plan says of an action that is none is refused at the start. */
import { actionsLimitedBy, type Plan } from '../quota/plans.ts';
import type { Actions } from '../run/request.ts';

/** Lines `KEY: what is wrong, what to do`. */
export function planProblems(plans: readonly Plan[], actions: Actions): string[] {
  const unknown = (place: string, names: Iterable<string>): string[] =>
    [...names]
      .filter((name) => !actions.has(name))
      .map(
        (name) => `PLANS_FILE: ${place}: "${name}" is no action; there are ${[...actions.keys()].join(', ')}`,
      );
  return plans.flatMap((plan) => [
    ...unknown(`${plan.name}.requestsPerActionPerMonth`, actionsLimitedBy(plan)),
    ...unknown(`${plan.name}.actions`, plan.actions?.keys() ?? []),
  ]);
}
