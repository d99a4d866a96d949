/** `GET /v1/models` and `GET /v1/models/{id}`, in the API's shape. */
import { EFFORTS, type ModelFacts } from '../../models/model-table.ts';
import { plainModelId } from '../../protocol/model-id.ts';
import { ApiError } from '../api-error.ts';
import { invalid } from '../request/fields.ts';
import type { SimulatedModels } from './simulated-models.ts';

/** Of the models that have one by their name. A name without its date stands for it, and is not listed itself. */
const DATED: Readonly<Record<string, string>> = {
  'claude-opus-4-5': '20251101',
  'claude-sonnet-4-5': '20250929',
  'claude-haiku-4-5': '20251001',
};
/** When a model came out; the API says 1970 where it does not know. */
const RELEASED: Readonly<Record<string, string>> = {
  'claude-fable-5-2': '2026-11-09',
  'claude-mythos-5-2': '2026-11-09',
  'claude-haiku-5-5': '2026-10-07',
  'claude-sonnet-5-5': '2026-09-28',
  'claude-opus-5-5': '2026-09-22',
  'claude-fable-5-1': '2026-09-01',
  'claude-mythos-5-1': '2026-09-01',
  'claude-opus-5': '2026-07-24',
  'claude-sonnet-5': '2026-06-30',
  'claude-fable-5': '2026-06-09',
  'claude-mythos-5': '2026-06-09',
  'claude-opus-4-8': '2026-05-28',
  'claude-opus-4-7': '2026-04-16',
  'claude-sonnet-4-6': '2026-02-17',
  'claude-opus-4-6': '2026-02-05',
  'claude-opus-4-5': '2025-11-24',
  'claude-haiku-4-5': '2025-10-15',
  'claude-sonnet-4-5': '2025-09-29',
};
/** The shortest notice that is given before a model retires. */
const NOTICE_MS = 60 * 24 * 60 * 60_000;
const MOST_LISTED = 1_000;
const LISTED = 20;
const SHOWN: readonly string[] = ['active', 'deprecated'];

/**
 * One page of the list, the newest model first.
 * @param query `limit` (1 to 1,000; 20), `after_id` or `before_id`, `lifecycle[]` (active and deprecated)
 * @throws ApiError `invalid_request_error`
 */
export function listModels(models: SimulatedModels, query: URLSearchParams, now: number): object {
  const asked = [...query.getAll('lifecycle[]'), ...query.getAll('lifecycle')];
  const states = asked.length === 0 ? SHOWN : asked;
  const all = models.ids
    .flatMap((id) => modelInfo(models, id, now) ?? [])
    .filter(({ lifecycle }) => states.includes(lifecycle))
    .sort((a, b) => b.created_at.localeCompare(a.created_at));
  const limit = readLimit(query.get('limit'));
  const [after, before] = [query.get('after_id'), query.get('before_id')];
  if (after !== null && before !== null) throw invalid('after_id and before_id cannot be used together');
  const rest = before === null ? all.slice(placeOf(all, after) + 1) : all.slice(0, placeOf(all, before));
  const data = before === null ? rest.slice(0, limit) : rest.slice(-limit);
  return {
    data,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more: data.length < rest.length,
  };
}

/** @throws ApiError `not_found_error` */
export function retrieveModel(models: SimulatedModels, id: string, now: number): object {
  const info = modelInfo(models, id, now);
  if (info === undefined) throw new ApiError('not_found_error', `model: ${id.slice(0, 64)}`);
  return info;
}

function readLimit(limit: string | null): number {
  if (limit === null) return LISTED;
  const count = Number(limit);
  if (!Number.isInteger(count) || count < 1 || count > MOST_LISTED)
    throw invalid(`limit: Input should be a number from 1 to ${MOST_LISTED}`);
  return count;
}

function placeOf(all: readonly { readonly id: string }[], id: string | null): number {
  if (id === null) return -1;
  const place = all.findIndex((model) => model.id === id);
  if (place === -1) throw invalid('after_id or before_id: is not in the list');
  return place;
}

function modelInfo(models: SimulatedModels, asked: string, now: number) {
  const facts = models.known(asked);
  if (facts === undefined) return undefined;
  const plain = plainModelId(asked);
  const date = DATED[plain];
  return {
    type: 'model',
    id: date === undefined ? asked : `${plain}-${date}`,
    display_name: displayName(plain),
    line: /^claude-(haiku|sonnet|opus|fable|mythos)-/.exec(plain)?.[1] ?? null,
    created_at: `${RELEASED[plain] ?? '1970-01-01'}T00:00:00Z`,
    ...lifecycleOf(facts, models.find(asked, now) !== undefined),
    max_input_tokens: facts.contextTokens,
    max_tokens: facts.maxOutputTokens,
    capabilities: capabilitiesOf(facts),
  };
}

/** `claude-sonnet-5-5` is "Claude Sonnet 5.5". */
function displayName(id: string): string {
  if (!id.startsWith('claude-')) return id;
  return id
    .replace(/-(\d+)-(\d+)$/, '-$1.$2')
    .split('-')
    .map((word) => word.slice(0, 1).toUpperCase() + word.slice(1))
    .join(' ');
}

function lifecycleOf({ lifecycle: { state, retiresOn } }: ModelFacts, answers: boolean) {
  const ends = state === 'deprecated' || !answers ? (retiresOn ?? null) : null;
  const at = (ms: number | null) => (ms === null ? null : `${new Date(ms).toISOString().slice(0, 19)}Z`);
  return {
    lifecycle: answers ? (state === 'deprecated' ? state : 'active') : 'retired',
    deprecated_at: at(ends === null ? null : ends - NOTICE_MS),
    retires_at: at(ends),
  };
}

function capabilitiesOf({ thinking: { types }, effort }: ModelFacts) {
  const supported = (is: boolean) => ({ supported: is });
  const efforts = EFFORTS.map((level) => [level, supported(effort?.levels.includes(level) ?? false)]);
  const ways = (['adaptive', 'between_tools', 'disabled', 'enabled'] as const).map((type) => [
    type,
    supported(types.includes(type)),
  ]);
  return {
    batch: supported(true),
    citations: supported(true),
    code_execution: supported(true),
    context_management: {
      ...supported(true),
      clear_thinking_20251015: supported(true),
      clear_tool_uses_20250919: supported(true),
      compact_20260112: supported(true),
    },
    effort: { ...supported(effort !== null), ...Object.fromEntries(efforts) },
    image_input: supported(true),
    pdf_input: supported(true),
    server_tools: { ...supported(true), code_execution: supported(true), web_search: supported(true) },
    structured_outputs: supported(true),
    thinking: { ...supported(true), types: Object.fromEntries(ways) },
  };
}
