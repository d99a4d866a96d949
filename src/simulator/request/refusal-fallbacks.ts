/** Whom the server asks where the model declines: a beta, whose field is unknown without its header. */
import type { ModelFacts } from '../../models/model-table.ts';
import type { SimulatedModels } from '../models/simulated-models.ts';
import { type Fields, invalid, isFields } from './fields.ts';

const BETA = 'server-side-fallback-2026-07-01';
const MOST = 3;
const KNOWN: ReadonlySet<string> = new Set(['model', 'max_tokens', 'thinking', 'output_config', 'speed']);
/** What "default" is here; which model the real API chooses is not published for all. */
const DEFAULTS = ['claude-opus-5-5', 'claude-sonnet-5-5'];

/** Another model of the chain. */
export interface FallbackModel {
  readonly model: string;
  /** Against the tokenizer of the models before 4.7. */
  readonly tokenFactor: number;
}

/**
 * @param now Unix ms
 * @returns the first of the chain; null where nobody is asked
 * @throws ApiError `invalid_request_error`
 */
export function readRefusalFallbacks(
  { fallbacks, model: asked }: Fields,
  facts: ModelFacts,
  { betas, models, now }: { betas: ReadonlySet<string>; models: SimulatedModels; now: number },
): FallbackModel | null {
  if (fallbacks === undefined || fallbacks === null) return null;
  if (!betas.has(BETA)) throw invalid('fallbacks: Extra inputs are not permitted');
  const found = (model: string): FallbackModel | undefined => {
    const known = models.find(model, now);
    return known === undefined ? undefined : { model, tokenFactor: known.tokenFactor };
  };
  if (fallbacks === 'default') {
    const choice = DEFAULTS.find((model) => model !== asked && found(model) !== undefined);
    return facts.refusalFallbacks === 'none' || choice === undefined ? null : (found(choice) ?? null);
  }
  if (!Array.isArray(fallbacks) || fallbacks.length === 0 || fallbacks.length > MOST)
    throw invalid(`fallbacks: Input should be 'default' or a list of 1 to ${MOST} models`);
  if (facts.refusalFallbacks !== 'named') throw invalid('fallbacks: is not supported for this model.');
  const [first = null] = fallbacks.map((entry: unknown, index) => {
    const place = `fallbacks.${index}`;
    if (!isFields(entry) || typeof entry.model !== 'string') throw invalid(`${place}.model: Field required`);
    const extra = Object.keys(entry).find((key) => !KNOWN.has(key));
    if (extra !== undefined) throw invalid(`${place}.${extra.slice(0, 64)}: Extra inputs are not permitted`);
    const known = found(entry.model);
    if (known === undefined) throw invalid(`${place}.model: is not a model that can be a fallback`);
    return known;
  });
  return first;
}
