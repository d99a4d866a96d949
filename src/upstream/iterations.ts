/**
 * What a message is billed by where the API went through several attempts for it: each with counts of its own, and where
 * another model made it, that model's name. Of a server's fallback the message itself only counts the attempt that
 * answered; a compaction and an advisor it does not count at all.
 */
import type { BilledTokens } from '../protocol/usage-reading.ts';
import { modelName } from './api-names.ts';
import { countOf, isCount } from './counts.ts';

/** An entry of the API's `usage.iterations`. */
export interface Iteration
  extends Pick<
    BilledTokens,
    'inputTokens' | 'outputTokens' | 'cacheReadTokens' | 'cacheWriteTokens' | 'cacheWrite1hTokens'
  > {
  /** `message`, `fallback_message`, `compaction`, `advisor_message`, or what is yet to come. */
  readonly type: string;
  /** Null where it is the message's own. */
  readonly model: string | null;
}

/** An answer, or an attempt at one. */
const ATTEMPTS: ReadonlySet<string> = new Set(['message', 'fallback_message']);

/** None where the API does not tell them, or tells something else. */
export function iterationsOf(value: unknown): readonly Iteration[] {
  if (!Array.isArray(value)) return [];
  const iterations = value.map(iterationOf);
  return iterations.every((iteration) => iteration !== undefined) ? iterations : [];
}

/**
 * @param whole the message as its own counts say
 * @param isRefused whether nobody answered
 * @returns each of which is billed by its own model
 */
export function billedApart(
  whole: BilledTokens,
  iterations: readonly Iteration[],
  isRefused: boolean,
): BilledTokens[] {
  if (!areComplete(iterations, whole)) return [whole];
  const last = iterations.findLastIndex(({ type }) => ATTEMPTS.has(type));
  return iterations.map(({ type, model, ...counts }, index) => {
    const own = { ...counts, model: model ?? whole.model, terms: whole.terms };
    // A model that declined before its first word is not charged, whichever answered after it.
    const declined = ATTEMPTS.has(type) && own.outputTokens === 0 && (isRefused || index < last);
    if (index !== last) return { ...own, thinkingTokens: 0, webSearches: 0, uncharged: declined };
    const { thinkingTokens, webSearches, uncharged } = whole;
    const thought = Math.min(thinkingTokens, own.outputTokens);
    return { ...own, thinkingTokens: thought, webSearches, uncharged: uncharged || declined };
  });
}

/** Whose answer it is in the end; null where that is the message's own model. */
export function answeringModel(iterations: readonly Iteration[]): string | null {
  return iterations.findLast(({ type }) => ATTEMPTS.has(type))?.model ?? null;
}

/** Fewer than the message itself counts are a gateway's blanks. */
function areComplete(iterations: readonly Iteration[], whole: BilledTokens): boolean {
  const sum = (count: (iteration: Iteration) => number) =>
    iterations.reduce((total, iteration) => total + count(iteration), 0);
  return (
    iterations.some(({ type }) => ATTEMPTS.has(type)) &&
    sum(({ outputTokens }) => outputTokens) >= whole.outputTokens &&
    sum(promptOf) >= promptOf(whole)
  );
}

function promptOf({
  inputTokens,
  cacheReadTokens,
  cacheWriteTokens,
}: Pick<BilledTokens, 'inputTokens' | 'cacheReadTokens' | 'cacheWriteTokens'>): number {
  return inputTokens + cacheReadTokens + cacheWriteTokens;
}

interface IterationFields {
  readonly type?: unknown;
  readonly model?: unknown;
  readonly input_tokens?: unknown;
  readonly output_tokens?: unknown;
  readonly cache_read_input_tokens?: unknown;
  readonly cache_creation_input_tokens?: unknown;
  readonly cache_creation?: unknown;
}

interface LifetimeFields {
  readonly ephemeral_1h_input_tokens?: unknown;
}

function iterationOf(value: unknown): Iteration | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const entry: IterationFields = value;
  const { type, input_tokens: input, output_tokens: output, cache_creation: lifetimes } = entry;
  if (typeof type !== 'string' || !isCount(input) || !isCount(output)) return undefined;
  return {
    type,
    model: modelName(entry.model),
    inputTokens: input,
    outputTokens: output,
    cacheReadTokens: countOf(entry.cache_read_input_tokens),
    cacheWriteTokens: countOf(entry.cache_creation_input_tokens),
    cacheWrite1hTokens: countOf((lifetimes as LifetimeFields | null | undefined)?.ephemeral_1h_input_tokens),
  };
}
