/**
 * Whom the model's API is to ask, within the same call, where a model declines for its policies: a beta of the API, off
 * until an action asks for it. Not every model takes it, and some take no list of ours.
 */
import type { ModelFacts } from './model-table.ts';

/** By the API's own choice, or these models in this order. */
export type RefusalFallbacks = 'off' | 'default' | readonly string[];

/** Most models that a list may have. */
export const MAX_REFUSAL_FALLBACKS = 3;

/** Whether this model takes such a setting. @param model undefined for one that is not in the table */
export function takesRefusalFallbacks(model: ModelFacts | undefined, setting: RefusalFallbacks): boolean {
  const taken = model?.refusalFallbacks ?? 'none';
  return setting === 'default' ? taken !== 'none' : setting !== 'off' && taken === 'named';
}

/** Why it does not. */
export function whyNoRefusalFallbacks(model: ModelFacts | undefined): string {
  return model?.refusalFallbacks === 'default' ? 'takes "default" only' : 'takes none; leave it out';
}
