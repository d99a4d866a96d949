/** What the endpoints know of the actions: nothing of their prompts. */
import type { ConfigFiles } from '../config/files.ts';
import type { RouteParts } from '../http/routes/routes.ts';
import { describedParameters, valueIn } from '../prompt/parameters.ts';

type Actions = ConfigFiles['actions'];

/** @param actions at this moment */
export function oldActions(actions: () => Actions): RouteParts['actions'] {
  return {
    has: (name) => actions().has(name),
    parameter(action, name, words) {
      const parameter = actions().get(action)?.parameters?.get(name);
      return parameter === undefined ? undefined : valueIn(parameter, words);
    },
  };
}

/** No plan changes the parameters, so they are the same for all. */
export function listedActions(actions: Actions): object {
  const entries = [...actions].map(([name, { parameters = new Map() }]) => [
    name,
    { parameters: describedParameters(parameters) },
  ]);
  return { actions: Object.fromEntries(entries) };
}
