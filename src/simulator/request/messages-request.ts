/** Reads and judges a request as the real API does, so that a mistake of ours shows up here first. */
import type { ModelFacts } from '../../models/model-table.ts';
import { ApiError } from '../api-error.ts';
import type { SimulatedModels } from '../models/simulated-models.ts';
import type { CachedPrompt } from '../prompt-cache.ts';
import { type Fields, invalid, isFields, parseFields } from './fields.ts';
import { lastMessage, readPrompt } from './prompt.ts';

export interface MessagesRequest {
  readonly model: string;
  readonly maxTokens: number;
  readonly stream: boolean;
  readonly thinking: boolean;
  /** Name of the first tool offered. */
  readonly tool: string | null;
  /** `metadata.user_id`. */
  readonly userHash: string | null;
  /** The last text of the last user message but for an app's data: what the answer is about. */
  readonly question: string;
  /** Of the whole prompt, cached or not. */
  readonly promptTokens: number;
  /** Tokens that its model makes of what the older tokenizer takes for one. */
  readonly tokenFactor: number;
}

export interface ReadRequest {
  readonly request: MessagesRequest;
  readonly prompt: CachedPrompt;
  readonly body: Fields;
}

const COUNTED_FIELDS: ReadonlySet<string> = new Set([
  'model',
  'messages',
  'system',
  'tools',
  'tool_choice',
  'thinking',
  'output_config',
  'output_format',
  'cache_control',
  'context_management',
  'mcp_servers',
  'speed',
  'user_profile_id',
  'workspace_id',
]);
const FIELDS: ReadonlySet<string> = new Set([
  ...COUNTED_FIELDS,
  'max_tokens',
  'metadata',
  'stop_sequences',
  'stream',
  'temperature',
  'top_k',
  'top_p',
  'service_tier',
  'container',
  'inference_geo',
  'diagnostics',
]);
/** With `between_tools` nothing is thought before an answer without tools. */
const THINKING_TYPES: ReadonlySet<unknown> = new Set(['adaptive', 'enabled']);

/**
 * @param counting for `/count_tokens`, which asks for no answer
 * @param now Unix ms: some models are retired by then
 * @throws ApiError `invalid_request_error` or `not_found_error`
 */
export function readMessagesRequest(
  json: string,
  {
    counting,
    models,
    now,
  }: { readonly counting: boolean; readonly models: SimulatedModels; readonly now: number },
): ReadRequest {
  const body = parseFields(json);
  const known = counting ? COUNTED_FIELDS : FIELDS;
  for (const field of Object.keys(body)) {
    if (!known.has(field)) throw invalid(`${field.slice(0, 64)}: Extra inputs are not permitted`);
  }
  const { stream } = body;
  if (stream !== undefined && typeof stream !== 'boolean')
    throw invalid('stream: Input should be a valid boolean');
  const model = readModel(body.model);
  const facts = models.find(model, now);
  if (facts === undefined) throw new ApiError('not_found_error', `model: ${model.slice(0, 64)}`);
  const { blocks, tokens, question } = readPrompt(body, facts.tokenFactor);
  checkPrefill(body, facts.refuses.includes('prefill'));
  const request: MessagesRequest = {
    model,
    maxTokens: counting ? 0 : readMaxTokens(body.max_tokens, facts.maxOutputTokens),
    stream: stream === true,
    thinking: isFields(body.thinking) && THINKING_TYPES.has(body.thinking.type),
    tool: readTool(body.tools),
    userHash: readUserId(body.metadata),
    question,
    promptTokens: tokens,
    tokenFactor: facts.tokenFactor,
  };
  const { output_config: output, tool_choice, speed } = body;
  const scope = JSON.stringify([model, speed ?? 'standard', isFields(output) ? output.format : null]);
  const messagesScope = JSON.stringify([...thinkingOf(body, facts), tool_choice ?? null]);
  return { request, prompt: { blocks, scope, messagesScope, floorTokens: facts.cacheFloorTokens }, body };
}

/** How it thinks and how hard, a default written out. What is shown of it changes nothing of what the model reads. */
function thinkingOf(
  { thinking, output_config: output }: Fields,
  { thinking: { byDefault }, effort }: ModelFacts,
) {
  const type = isFields(thinking) ? thinking.type : byDefault ? 'adaptive' : 'disabled';
  const asked = isFields(output) ? output.effort : undefined;
  return [type, asked ?? effort?.default ?? null];
}

function readModel(model: unknown): string {
  if (model === undefined) throw invalid('model: Field required');
  if (typeof model !== 'string' || model === '') throw invalid('model: Input should be a valid string');
  return model;
}

function readMaxTokens(value: unknown, most: number): number {
  if (value === undefined) throw invalid('max_tokens: Field required');
  if (typeof value !== 'number' || !Number.isInteger(value))
    throw invalid('max_tokens: Input should be a valid integer');
  if (value < 1) throw invalid('max_tokens: Input should be greater than or equal to 1');
  if (value > most) {
    throw invalid(`max_tokens: ${value} > ${most}, which is the maximum allowed number of output tokens`);
  }
  return value;
}

function readUserId(metadata: unknown): string | null {
  if (metadata === undefined) return null;
  const id = isFields(metadata) ? metadata.user_id : undefined;
  if (id === undefined || id === null) return null;
  if (typeof id !== 'string' || id.length > 256)
    throw invalid('metadata.user_id: Input should be a valid string of at most 256 characters');
  return id;
}

function readTool(tools: unknown): string | null {
  const first: unknown = Array.isArray(tools) ? tools[0] : undefined;
  return isFields(first) && typeof first.name === 'string' ? first.name : null;
}

function checkPrefill(body: Fields, isRefused: boolean): void {
  const { role, words } = lastMessage(body);
  if (role !== 'assistant') return;
  if (isRefused)
    throw invalid(
      'This model does not support assistant message prefill. The conversation must end with a user message.',
    );
  if (words !== words.trimEnd())
    throw invalid('messages: final assistant content cannot end with trailing whitespace');
}
