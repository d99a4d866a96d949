/**
 * How a model is to think: what an action or a plan asks for, as the fields that this model takes. "Off" has another
 * spelling on almost every model, and some cannot be turned off: those think as little as they can.
 *
 * Thinking counts in `max_tokens` and is billed as output. So what a caller may get of text is one number, and what the
 * model may think for it is added on top.
 */
import { EFFORTS, type Effort, type ModelFacts, USUAL_TOKENS_PER_SECOND } from './model-table.ts';

export type Display = 'summarized' | 'omitted';

/** `on`: as the model does by itself. */
export type ThinkingSetting =
  | 'off'
  | 'on'
  | { readonly effort?: Effort | undefined; readonly display?: Display | undefined };

export interface ThinkingSettings {
  /** Whether the model thinks before it answers: first words wait for it, and it is billed. */
  readonly thinking: ThinkingSetting;
  /** How much the model puts into its answer, thinking or not; absent: the model's own default. */
  readonly effort?: Effort | undefined;
  /** Tokens it may think, added to those of the text; absent: by its effort. */
  readonly thinkingTokens?: number | undefined;
}

/** Fields of a Messages request. */
export interface ThinkingFields {
  readonly thinking?:
    | { readonly type: 'disabled' | 'between_tools' }
    | { readonly type: 'adaptive'; readonly display?: Display }
    | { readonly type: 'enabled'; readonly budget_tokens: number; readonly display?: Display };
  readonly output_config?: { readonly effort: Effort };
}

/** How fast a model thinks, roughly, and how much it may. */
export interface ThinkingPace {
  readonly tokensPerSecond: number;
  readonly maxTokens: number;
}

export interface ThinkingRequest {
  readonly fields: ThinkingFields;
  /** Whether the model may think. */
  readonly thinks: boolean;
  /** `max_tokens`: the text, and what may be thought for it. */
  readonly maxTokens: number;
  readonly pace: ThinkingPace;
}

/** What a model may think at each effort: room enough that a hard question does not eat its answer. */
const ALLOWANCE: Readonly<Record<Effort, number>> = {
  low: 4_096,
  medium: 8_192,
  high: 16_384,
  xhigh: 32_768,
  max: 49_152,
};
/** Of `budget_tokens`. */
const LEAST_BUDGET = 1_024;

/**
 * @param model undefined for one that is not in the table: nothing is said of its thinking
 * @param textTokens the most a caller gets of text
 */
export function thinkingPlan(
  model: ModelFacts | undefined,
  settings: ThinkingSettings,
  textTokens: number,
): ThinkingRequest {
  if (model === undefined) {
    const pace = { tokensPerSecond: USUAL_TOKENS_PER_SECOND, maxTokens: textTokens };
    return { fields: {}, thinks: false, maxTokens: textTokens, pace };
  }
  const effort = effortOf(model, settings);
  const thinks = doesThink(model, settings);
  const allowance = allowanceOf(model, settings);
  const maxTokens = Math.min(textTokens + allowance, model.maxOutputTokens);
  const thinking = thinkingField(model, settings, thinks, maxTokens - Math.min(textTokens, maxTokens));
  return {
    fields: {
      ...(thinking === undefined ? {} : { thinking }),
      ...(effort === undefined || model.effort === null ? {} : { output_config: { effort } }),
    },
    thinks,
    maxTokens,
    pace: { tokensPerSecond: model.tokensPerSecond, maxTokens: allowance || maxTokens },
  };
}

/** Whether a model thinks before its answer, by these settings. */
export function doesThink(model: ModelFacts, { thinking }: ThinkingSettings): boolean {
  return canThink(model) && (thinking !== 'off' || model.thinking.off === null);
}

function canThink({ thinking: { types } }: ModelFacts): boolean {
  return types.includes('adaptive') || types.includes('enabled');
}

function allowanceOf(model: ModelFacts, settings: ThinkingSettings): number {
  if (!doesThink(model, settings)) return 0;
  return settings.thinkingTokens ?? ALLOWANCE[effortOf(model, settings) ?? defaultEffort(model)];
}

/** Undefined where the model's own default is meant; otherwise what comes nearest of its levels, from below. */
function effortOf(model: ModelFacts, settings: ThinkingSettings): Effort | undefined {
  const allowed = allowedEfforts(model, settings);
  if (settings.thinking === 'off' && model.thinking.off === null) return allowed[0];
  const asked = askedEffort(settings);
  if (asked === undefined || allowed.length === 0 || allowed.includes(asked)) return asked;
  return allowed.findLast((level) => EFFORTS.indexOf(level) < EFFORTS.indexOf(asked)) ?? allowed[0];
}

function askedEffort({ thinking, effort }: ThinkingSettings): Effort | undefined {
  return (typeof thinking === 'object' ? thinking.effort : undefined) ?? effort;
}

/** In rising order; none where the model knows no effort. */
function allowedEfforts({ effort, thinking }: ModelFacts, settings: ThinkingSettings): readonly Effort[] {
  if (effort === null) return [];
  const isOff = settings.thinking === 'off' && thinking.off !== null;
  return EFFORTS.filter(
    (level) => effort.levels.includes(level) && !(isOff && effort.notWhenOff.includes(level)),
  );
}

function defaultEffort({ effort }: ModelFacts): Effort {
  return effort?.default ?? 'medium';
}

function thinkingField(
  { thinking: { types, off, byDefault } }: ModelFacts,
  { thinking }: ThinkingSettings,
  thinks: boolean,
  allowance: number,
): ThinkingFields['thinking'] {
  if (!thinks) return off === null || off === 'omit' ? undefined : { type: off };
  if (thinking === 'off') return undefined; // it thinks all the same, and there is nothing more to say
  const display = typeof thinking === 'object' ? thinking.display : undefined;
  const shown = display === undefined ? {} : { display };
  if (!types.includes('adaptive')) {
    return { type: 'enabled', budget_tokens: Math.max(LEAST_BUDGET, allowance), ...shown };
  }
  return byDefault && display === undefined ? undefined : { type: 'adaptive', ...shown };
}

/** One setting that a model does not take: which key, and what would be right. */
export interface Unusable {
  readonly key: string;
  readonly why: string;
}

/** What of the settings a model would refuse; of a model that is not in the table nothing is known. */
export function unusableSettings(
  model: ModelFacts | undefined,
  settings: ThinkingSettings,
  textTokens: number,
): readonly Unusable[] {
  if (model === undefined) return [];
  return [
    ...unusableThinking(model, settings),
    ...unusableEffort(model, settings),
    ...tooManyTokens(model, settings, textTokens),
  ];
}

function unusableThinking(model: ModelFacts, { thinking }: ThinkingSettings): Unusable[] {
  if (thinking === 'off' || canThink(model)) return [];
  return [{ key: 'thinking', why: 'it does not think; use "off"' }];
}

function unusableEffort(model: ModelFacts, settings: ThinkingSettings): Unusable[] {
  const { thinking } = settings;
  const asked = askedEffort(settings);
  const allowed = allowedEfforts(model, settings);
  // Where a model knows no effort, an action's says how much it may think, and nothing else.
  if (asked === undefined || model.effort === null || allowed.includes(asked)) return [];
  const key = typeof thinking === 'object' && thinking.effort !== undefined ? 'thinking.effort' : 'effort';
  const when = model.effort.levels.includes(asked) ? ' while thinking is off' : '';
  return [{ key, why: `"${asked}" is none of its levels${when}; use ${listed(allowed)}` }];
}

/** What it may think must leave room for the text. */
function tooManyTokens(model: ModelFacts, settings: ThinkingSettings, textTokens: number): Unusable[] {
  const { maxOutputTokens } = model;
  if (textTokens > maxOutputTokens)
    return [
      { key: 'maxTokens', why: `${textTokens} is more than the ${maxOutputTokens} it can give; lower it` },
    ];
  const allowance = allowanceOf(model, settings);
  if (textTokens + allowance <= maxOutputTokens) return [];
  const room = maxOutputTokens - textTokens;
  if (settings.thinkingTokens !== undefined)
    return [
      { key: 'thinkingTokens', why: `with maxTokens it is more than it can give; use at most ${room}` },
    ];
  const why = `with the ${allowance} it may think ${textTokens} is more than the ${maxOutputTokens} it can give`;
  return [{ key: 'maxTokens', why: `${why}; lower it, or set thinkingTokens` }];
}

function listed(levels: readonly Effort[]): string {
  if (levels.length < 2) return levels.join('');
  return `${levels.slice(0, -1).join(', ')} or ${levels.at(-1)}`;
}
