/** On which terms a request is answered: where, by which tier, how fast. */
import type { ModelTraits } from '../models/model-traits.ts';
import { type Fields, invalid } from './fields.ts';

/** As `usage` names them. */
export interface Terms {
  readonly inference_geo: string;
  readonly service_tier: 'standard';
  readonly speed: 'standard' | 'fast';
}

const FAST_BETA = 'fast-mode-2026-02-01';

/** @throws ApiError `invalid_request_error` */
export function readTerms(
  { inference_geo: geo, service_tier: tier, speed }: Fields,
  traits: ModelTraits,
  betas: ReadonlySet<string>,
): Terms {
  if (tier !== undefined && tier !== 'auto' && tier !== 'standard_only')
    throw invalid("service_tier: Input should be 'auto' or 'standard_only'");
  if (speed !== undefined && speed !== null && speed !== 'standard' && speed !== 'fast')
    throw invalid("speed: Input should be 'standard' or 'fast'");
  const isFast = speed === 'fast' && isFastTaken(traits, betas);
  return {
    inference_geo: readGeo(geo, traits),
    service_tier: 'standard',
    speed: isFast ? 'fast' : 'standard',
  };
}

function readGeo(geo: unknown, traits: ModelTraits): string {
  if (geo !== undefined && geo !== null && geo !== 'us' && geo !== 'global')
    throw invalid("inference_geo: Input should be 'us' or 'global'");
  if (traits.geo) return geo ?? 'global';
  if (geo === 'us') throw invalid('inference_geo: is not supported for this model.');
  return 'not_available';
}

function isFastTaken({ fast }: ModelTraits, betas: ReadonlySet<string>): boolean {
  if (fast === 'refused') throw invalid("speed: 'fast' is not supported for this model.");
  if (fast === 'beta' && !betas.has(FAST_BETA))
    throw invalid(`speed: 'fast' needs the header anthropic-beta: ${FAST_BETA} for this model.`);
  return fast !== 'ignored';
}
