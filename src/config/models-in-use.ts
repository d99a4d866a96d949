/** Which models this relay may ask, and which setting names each. */
import type { ModelSettings } from '../models/settings.ts';
import type { PriceTable } from '../pricing/prices.ts';
import type { Config } from './environment.ts';
import type { ConfigFiles } from './files.ts';

/** By id, those that settings name first: the settings that name it; none for a model that clients may ask for only because it has a price. */
export type ModelsInUse = ReadonlyMap<string, readonly string[]>;

export function modelsInUse(
  { DEFAULT_MODEL: defaultModel, ALLOWED_MODELS: allowed }: Config,
  { actions, plans, models, prices }: Pick<ConfigFiles, 'actions' | 'plans' | 'models' | 'prices'>,
): ModelsInUse {
  const used = new Map<string, string[]>();
  const name = (model: string, setting: string): void => {
    const id = models.resolve(model);
    const settings = used.get(id) ?? [];
    if (!settings.includes(setting)) used.set(id, [...settings, setting]);
  };
  const nameAll = (settings: ModelSettings, place: string): void => {
    for (const model of settings.models ?? []) name(model, `${place}.models`);
    if (settings.fallback !== undefined) name(settings.fallback, `${place}.fallback`);
    if (typeof settings.refusalFallbacks === 'object')
      for (const model of settings.refusalFallbacks) name(model, `${place}.refusalFallbacks`);
  };
  name(defaultModel, 'DEFAULT_MODEL');
  for (const model of allowed ?? []) name(model, 'ALLOWED_MODELS');
  for (const [action, settings] of actions) nameAll(settings, `ACTIONS_FILE ${action}`);
  for (const { name: plan, settings, actions: own } of plans.all) {
    nameAll(settings ?? {}, `PLANS_FILE ${plan}.settings`);
    for (const [action, over] of own ?? []) nameAll(over, `PLANS_FILE ${plan}.actions.${action}`);
  }
  if (allowed === undefined) for (const id of prices.models) used.set(id, used.get(id) ?? []);
  return used;
}

/**
 * Models that a daily budget could not count: each would take of it what the dearest model costs.
 * @param now Unix ms
 * @returns lines `PLANS_FILE: what is wrong, what to do`
 */
export function unpricedModels(used: ModelsInUse, prices: PriceTable, now: number): string[] {
  return [...used]
    .filter(([model]) => !prices.isPriced(model, now))
    .map(
      ([model, settings]) =>
        `PLANS_FILE: spendingPerDayUsd cannot count ${model} (${settings.join(', ') || 'ALLOWED_MODELS'}), which has no price; add it to PRICES_FILE, name another, or let it count as the dearest there is by "unpricedModels": "allowed"`,
    );
}
