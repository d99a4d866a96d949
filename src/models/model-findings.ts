/** Where the models in use are not as the models file has them: by the API's own list, and by the file's dates without one. */
import { plainModelId } from '../protocol/model-id.ts';
import type { ListedModel } from './listed-model.ts';
import type { ModelFacts, Models } from './model-table.ts';

/** A fact of the models file of which the API says otherwise. */
export interface Difference {
  readonly of: 'thinking' | 'effort' | 'contextTokens' | 'maxOutputTokens';
  readonly file: string | number;
  readonly api: string | number;
}

/**
 * `retired`: it answers nobody. `deprecated`: it will retire. `unlisted`: the API does not have it, or not for this key.
 * `differs`: what is sent may be refused, or less than could be.
 */
export type ModelFinding =
  | { readonly model: string; readonly state: 'retired' | 'unlisted' }
  | {
      readonly model: string;
      readonly state: 'deprecated';
      /** Day (UTC); null where none is set. */
      readonly retiresOn: string | null;
    }
  | { readonly model: string; readonly state: 'differs'; readonly differences: readonly Difference[] };

/**
 * The entry of a model by its id, or of what that stands for: a dated one for the name without its date.
 * @param listed null where there is no list
 */
export function entryOf(id: string, listed: readonly ListedModel[] | null): ListedModel | undefined {
  const same = (entry: ListedModel): boolean =>
    entry.id === plainModelId(id) || plainModelId(entry.id) === id;
  const named = listed?.find((entry) => entry.id === id);
  if (named !== undefined) return named;
  // One of several dates: the name answers as long as one of them does.
  const found = listed?.filter(same) ?? [];
  return found.find(({ lifecycle }) => lifecycle !== 'retired') ?? found[0];
}

/**
 * Whether a model answers. The API's word counts more than a date in the file, which may be put off; that the file calls
 * it retired counts most.
 * @param now Unix ms
 */
export function doesAnswer(id: string, models: Models, entry: ListedModel | undefined, now: number): boolean {
  if (entry?.lifecycle == null) return models.answers(id, now);
  return entry.lifecycle !== 'retired' && models.find(id)?.lifecycle.state !== 'retired';
}

/** @param listed null where there is no list: then only what the file says is told */
export function findingsOf(
  id: string,
  models: Models,
  listed: readonly ListedModel[] | null,
  now: number,
): readonly ModelFinding[] {
  const entry = entryOf(id, listed);
  if (!doesAnswer(id, models, entry, now)) return [{ model: id, state: 'retired' }];
  if (listed !== null && entry === undefined) return [{ model: id, state: 'unlisted' }];
  const facts = models.find(id);
  const differences = facts && entry ? differencesOf(facts, entry) : [];
  return [
    ...deprecation(id, facts, entry),
    ...(differences.length === 0 ? [] : [{ model: id, state: 'differs', differences } as const]),
  ];
}

function deprecation(
  model: string,
  facts: ModelFacts | undefined,
  entry: ListedModel | undefined,
): ModelFinding[] {
  const state = entry?.lifecycle ?? facts?.lifecycle.state;
  if (state !== 'deprecated') return [];
  const at = entry?.retiresAt ?? facts?.lifecycle.retiresOn;
  return [{ model, state, retiresOn: at === undefined ? null : new Date(at).toISOString().slice(0, 10) }];
}

function differencesOf(facts: ModelFacts, entry: ListedModel): Difference[] {
  const told = [
    { of: 'thinking', file: named(facts.thinking.types), api: named(entry.thinkingTypes) },
    { of: 'effort', file: named(facts.effort?.levels ?? []), api: named(entry.efforts) },
    { of: 'contextTokens', file: facts.contextTokens, api: entry.contextTokens },
    { of: 'maxOutputTokens', file: facts.maxOutputTokens, api: entry.maxOutputTokens },
  ] as const;
  return told.flatMap(({ of, file, api }) =>
    file === null || api === null || file === api ? [] : [{ of, file, api }],
  );
}

/** In an order of their own, so that lists are the same where they have the same. */
function named(names: readonly string[] | null): string | null {
  return names === null ? null : names.toSorted().join(', ') || 'none';
}
