/** What operators set of the answers of an action or a plan: a schema for their files, and one set laid over another. */
import * as z from 'zod';
import { CACHE_SETTINGS, type CacheSettings, isCacheOrder } from './cache.ts';
import { EFFORTS, type Effort, type ModelTable } from './model-table.ts';
import { MAX_REFUSAL_FALLBACKS, type RefusalFallbacks } from './refusal-fallbacks.ts';
import type { ThinkingSetting, ThinkingSettings } from './thinking.ts';

const effort = z.enum(EFFORTS);
const cacheSetting = z.enum(CACHE_SETTINGS);

const cache = z
  .union(
    [cacheSetting, z.strictObject({ system: cacheSetting.optional(), history: cacheSetting.optional() })],
    'must be "off", "5m" or "1h", or {"system", "history"} with one of them each',
  )
  .refine((cache) => isCacheOrder({ cache }), {
    error: '"1h" cannot follow a system prompt of "5m": set cache.system to "1h" or "off" as well',
    path: ['history'],
  });

/** All optional: what is left out is said elsewhere, or by the model itself. */
export interface ModelSettings extends Omit<ThinkingSettings, 'thinking'>, CacheSettings {
  readonly thinking?: ThinkingSetting | undefined;
  /** Models clients may ask for; absent: every allowed one. The first is the default. */
  readonly models?: readonly string[] | undefined;
  /** Asked once in place of a model that is overloaded or was not reached, before its first word. */
  readonly fallback?: string | undefined;
  /** Whom the API is to ask where a model declines; absent: nobody. */
  readonly refusalFallbacks?: RefusalFallbacks | undefined;
  /** Tokens of text where the client asks for none; what is thought comes on top. */
  readonly defaultMaxTokens?: number | undefined;
  /** The most it can get. */
  readonly maxTokens?: number | undefined;
  /** Whether PDFs may be asked about; absent: they may not. */
  readonly documents?: boolean | undefined;
}

const thinking = z.union(
  [
    z.enum(['off', 'on']),
    z.strictObject({ effort: effort.optional(), display: z.enum(['summarized', 'omitted']).optional() }),
  ],
  `must be "off", "on", or {"effort", "display"}: an effort of ${EFFORTS.join(', ')}; "summarized" or "omitted"`,
);

export const modelSettings = z
  .strictObject({
    models: z.array(z.string().min(1)).min(1).optional(),
    fallback: z.string().min(1).optional(),
    refusalFallbacks: z
      .union(
        [z.enum(['off', 'default']), z.array(z.string().min(1)).min(1).max(MAX_REFUSAL_FALLBACKS)],
        `must be "off", "default" or a list of up to ${MAX_REFUSAL_FALLBACKS} models`,
      )
      .optional(),
    defaultMaxTokens: z.int().positive().optional(),
    maxTokens: z.int().positive().optional(),
    documents: z.boolean().optional(),
    thinking: thinking.optional(),
    effort: effort.optional(),
    thinkingTokens: z.int().min(1024).optional(),
    cache: cache.optional(),
  })
  .refine(({ defaultMaxTokens = 0, maxTokens = Infinity }) => defaultMaxTokens <= maxTokens, {
    error: 'is more than maxTokens: lower it, or raise maxTokens',
    path: ['defaultMaxTokens'],
  })
  .refine(({ thinking, effort }) => effort === undefined || effort === effortOfThinking(thinking, effort), {
    error: 'is another than that of thinking: leave one of them out',
    path: ['effort'],
  });

function effortOfThinking(thinking: ThinkingSetting | undefined, otherwise: Effort): Effort {
  return (typeof thinking === 'object' ? thinking.effort : undefined) ?? otherwise;
}

/** What `over` says replaces what `base` says, key by key; its effort also replaces one that `base` gives thinking. */
export function settingsOver<Base extends ModelSettings>(base: Base, over: ModelSettings): Base {
  return { ...base, ...(over.effort === undefined ? {} : withoutEffort(base.thinking)), ...over };
}

function withoutEffort(thinking: ThinkingSetting | undefined): Pick<ModelSettings, 'thinking'> {
  if (typeof thinking !== 'object') return {};
  const { effort: _, ...rest } = thinking;
  return { thinking: rest };
}

/** With ids in the place of aliases. */
export function withIds<Settings extends ModelSettings>(settings: Settings, table: ModelTable): Settings {
  const { models, fallback, refusalFallbacks } = settings;
  const resolved = (names: readonly string[]) => names.map((name) => table.resolve(name));
  return {
    ...settings,
    ...(models === undefined ? {} : { models: resolved(models) }),
    ...(fallback === undefined ? {} : { fallback: table.resolve(fallback) }),
    ...(typeof refusalFallbacks === 'object' ? { refusalFallbacks: resolved(refusalFallbacks) } : {}),
  };
}
