/** How a request wants its model to think, and how hard: each model takes another part of it. */
import { EFFORTS, type Effort, type ModelFacts } from '../../models/model-table.ts';
import { type Fields, invalid, isFields } from './fields.ts';

export interface Thinking {
  /** Whether it thinks before this answer. */
  readonly isOn: boolean;
  /** Of the request, or what its absence means. */
  readonly type: 'adaptive' | 'enabled' | 'disabled' | 'between_tools';
  readonly display: 'omitted' | 'summarized';
  /** Null where the model knows none. */
  readonly effort: Effort | null;
  /** The most it may think; null: as it sees fit. */
  readonly budgetTokens: number | null;
  /** Whether estimates of what is thought are streamed while it is. */
  readonly isCounted: boolean;
}

const TYPES = ['adaptive', 'enabled', 'disabled', 'between_tools'] as const;
const COUNT_BETA = 'thinking-token-count-2026-05-13';
const LEAST_BUDGET = 1_024;

/**
 * @param maxTokens null where no answer is asked for
 * @throws ApiError `invalid_request_error`
 */
export function readThinking(
  body: Fields,
  facts: ModelFacts,
  { maxTokens, betas }: { readonly maxTokens: number | null; readonly betas: ReadonlySet<string> },
): Thinking {
  const { byDefault, display: usual } = facts.thinking;
  const isCounted = betas.has(COUNT_BETA);
  if (body.thinking === undefined || body.thinking === null) {
    const type = byDefault ? 'adaptive' : 'disabled';
    const effort = readEffort(body, facts, false);
    return { isOn: byDefault, type, display: usual, effort, budgetTokens: null, isCounted };
  }
  if (!isFields(body.thinking)) throw invalid('thinking: Input should be a valid dictionary');
  const type = readType(body.thinking.type, facts);
  const isOn = type === 'adaptive' || type === 'enabled';
  return {
    isOn,
    type,
    display: readDisplay(body.thinking, isOn) ?? usual,
    effort: readEffort(body, facts, !isOn),
    budgetTokens: readBudget(body.thinking, type, maxTokens),
    isCounted,
  };
}

function readType(value: unknown, { thinking: { types } }: ModelFacts): Thinking['type'] {
  const type = TYPES.find((known) => known === value);
  if (type === undefined) throw invalid(`thinking.type: Input should be one of ${TYPES.join(', ')}`);
  if (types.includes(type)) return type;
  if (type === 'adaptive') throw invalid('adaptive thinking is not supported on this model');
  throw invalid(`"thinking.type.${type}" is not supported for this model. Use ${types.join(' or ')}.`);
}

function readDisplay(thinking: Fields, isOn: boolean): Thinking['display'] | undefined {
  const { display } = thinking;
  const allowed = ['type', 'display', 'budget_tokens'];
  const other = Object.keys(thinking).find((name) => !(isOn ? allowed : ['type']).includes(name));
  if (other !== undefined) throw invalid(`thinking.${other.slice(0, 64)}: Extra inputs are not permitted`);
  if (display === undefined || display === null) return undefined;
  if (display !== 'summarized' && display !== 'omitted')
    throw invalid("thinking.display: Input should be 'summarized' or 'omitted'");
  return display;
}

function readBudget(
  { budget_tokens: budget }: Fields,
  type: Thinking['type'],
  maxTokens: number | null,
): number | null {
  if (type !== 'enabled') {
    if (budget !== undefined) throw invalid('thinking.budget_tokens: Extra inputs are not permitted');
    return null;
  }
  if (typeof budget !== 'number' || !Number.isInteger(budget) || budget < LEAST_BUDGET)
    throw invalid(`thinking.enabled.budget_tokens: Input should be greater than or equal to ${LEAST_BUDGET}`);
  if (maxTokens !== null && budget >= maxTokens)
    throw invalid('`max_tokens` must be greater than `thinking.budget_tokens`');
  return budget;
}

function readEffort(
  { output_config: output }: Fields,
  { effort: known }: ModelFacts,
  isOff: boolean,
): Effort | null {
  if (output !== undefined && output !== null && !isFields(output))
    throw invalid('output_config: Input should be a valid dictionary');
  const value = isFields(output) ? (output.effort ?? undefined) : undefined;
  if (value === undefined) return known?.default ?? null;
  const effort = EFFORTS.find((level) => level === value);
  if (effort === undefined)
    throw invalid(`output_config.effort: Input should be one of ${EFFORTS.join(', ')}`);
  if (known === null) throw invalid('This model does not support the effort parameter.');
  if (!known.levels.includes(effort))
    throw invalid(`output_config.effort: '${effort}' is not supported for this model.`);
  if (isOff && known.notWhenOff.includes(effort))
    throw invalid(`output_config.effort: '${effort}' cannot be used while thinking is off.`);
  return effort;
}
