/** Reads and judges a request as the real API does, so that a mistake of ours shows up here first. */
import type { ModelFacts } from '../../models/model-table.ts';
import { ApiError } from '../api-error.ts';
import { type ModelTraits, traitsOf } from '../models/model-traits.ts';
import type { SimulatedModels } from '../models/simulated-models.ts';
import type { CachedPrompt } from '../prompt-cache.ts';
import { type Fields, invalid, isFields, parseFields } from './fields.ts';
import type { RequestHeaders } from './headers.ts';
import { lastMessage, readPrompt } from './prompt.ts';
import { type FallbackModel, readRefusalFallbacks } from './refusal-fallbacks.ts';
import { readTerms, type Terms } from './terms.ts';
import { readThinking, type Thinking } from './thinking.ts';
import { checkToolTurns, type Offer, readTools, type ToolTurnRules } from './tool-turns.ts';

export interface MessagesRequest {
  readonly model: string;
  /** 0: only the prompt is read, into the cache. */
  readonly maxTokens: number;
  /** What is left of the model's window after the prompt, tokens. */
  readonly roomTokens: number;
  readonly stream: boolean;
  readonly thinking: Thinking;
  readonly terms: Terms;
  /** Who answers where the model declines; null: nobody. */
  readonly fallback: FallbackModel | null;
  /** The tools offered. */
  readonly tools: readonly Offer[];
  /** Whether it may ask for one: not where it is told to answer without. */
  readonly mayAsk: boolean;
  /** How often tools were asked for, and answered, since the question. */
  readonly steps: number;
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
  /** The message before this one in the conversation, to compare with it; undefined: not asked for. */
  readonly previousMessage: string | null | undefined;
  readonly body: Fields;
}

export interface ReadOptions {
  /** For `/count_tokens`, which asks for no answer. */
  readonly counting: boolean;
  readonly headers: RequestHeaders;
  readonly models: SimulatedModels;
  /** Unix ms: some models are retired by then. */
  readonly now: number;
  /** What was thought before tools were asked for. */
  readonly thoughts: ToolTurnRules['thoughts'];
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
const SAMPLING = ['temperature', 'top_k', 'top_p'] as const;
const FIELDS: ReadonlySet<string> = new Set([
  ...COUNTED_FIELDS,
  ...SAMPLING,
  'max_tokens',
  'metadata',
  'stop_sequences',
  'stream',
  'service_tier',
  'container',
  'inference_geo',
  'diagnostics',
  'fallbacks',
]);
/** A value that says nothing, by the versions that take it. */
const UNCHANGED: Readonly<Record<(typeof SAMPLING)[number], unknown>> = {
  temperature: 1,
  top_k: undefined,
  top_p: undefined,
};

/** @throws ApiError `invalid_request_error` or `not_found_error` */
export function readMessagesRequest(json: string, options: ReadOptions): ReadRequest {
  const { counting, headers, models, now } = options;
  const body = parseFields(json);
  checkFields(body, options);
  const model = readModel(body.model);
  const facts = models.find(model, now);
  if (facts === undefined) throw new ApiError('not_found_error', `model: ${model.slice(0, 64)}`);
  const traits = traitsOf(model, now);
  const { systemMessages } = traits;
  const { isStrict, betas } = headers;
  const { blocks, tokens, question } = readPrompt(body, {
    tokenFactor: facts.tokenFactor,
    systemMessages,
    isStrict,
  });
  if (tokens > facts.contextTokens)
    throw invalid(`prompt is too long: ${tokens} tokens > ${facts.contextTokens} maximum`);
  const maxTokens = counting ? null : readMaxTokens(body.max_tokens, facts.maxOutputTokens);
  const thinking = readThinking(body, facts, { maxTokens, betas });
  const steps = checkToolTurns(body, options);
  checkModelRules(body, facts, traits, thinking);
  if (maxTokens === 0) checkWarmUp(body, thinking);
  const request: MessagesRequest = {
    model,
    maxTokens: maxTokens ?? 0,
    roomTokens: facts.contextTokens - tokens,
    stream: body.stream === true,
    thinking,
    terms: readTerms(body, traits, betas),
    fallback: readRefusalFallbacks(body, facts, { betas, models, now }),
    tools: readTools(body.tools),
    mayAsk: !isFields(body.tool_choice) || body.tool_choice.type !== 'none',
    steps,
    userHash: readUserId(body.metadata),
    question,
    promptTokens: tokens,
    tokenFactor: facts.tokenFactor,
  };
  const scopes = scopesOf(body, request);
  return {
    request,
    prompt: { blocks, ...scopes, floorTokens: facts.cacheFloorTokens },
    previousMessage: readDiagnostics(body.diagnostics),
    body,
  };
}

function checkFields(body: Fields, { counting, headers }: ReadOptions): void {
  const known = counting ? COUNTED_FIELDS : FIELDS;
  for (const field of Object.keys(body)) {
    const isGone = headers.isStrict && SAMPLING.some((name) => name === field);
    if (isGone || !known.has(field)) throw invalid(`${field.slice(0, 64)}: Extra inputs are not permitted`);
  }
  if (body.stream !== undefined && typeof body.stream !== 'boolean')
    throw invalid('stream: Input should be a valid boolean');
}

/** What makes two prompts read differently, though their blocks are the same. What is shown of the thinking does not. */
function scopesOf(
  { output_config: output, tool_choice: choice }: Fields,
  { model, terms, thinking: { type, budgetTokens, effort } }: MessagesRequest,
): Pick<CachedPrompt, 'scope' | 'messagesScope'> {
  const format = isFields(output) ? output.format : undefined;
  return {
    scope: JSON.stringify([model, terms.speed, format ?? null]),
    messagesScope: JSON.stringify([type, budgetTokens, effort, choice ?? null]),
  };
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
  if (value < 0) throw invalid('max_tokens: Input should be greater than or equal to 0');
  if (value > most) {
    throw invalid(`max_tokens: ${value} > ${most}, which is the maximum allowed number of output tokens`);
  }
  return value;
}

function checkModelRules(
  body: Fields,
  { refuses }: ModelFacts,
  { samples }: ModelTraits,
  thinking: Thinking,
): void {
  const sampling = SAMPLING.find((name) => body[name] !== undefined && body[name] !== UNCHANGED[name]);
  if (sampling !== undefined && (!samples || thinking.isOn))
    throw invalid(`${sampling}: is not supported for this model.`);
  if (isForced(body) && (refuses.includes('forcedTools') || thinking.type === 'enabled'))
    throw invalid('tool_choice: a forced tool is not supported here. Use auto or none.');
  checkPrefill(body, refuses.includes('prefill'), thinking);
}

function isForced({ tool_choice: choice }: Fields): boolean {
  return isFields(choice) && (choice.type === 'any' || choice.type === 'tool');
}

/** With no token of output it only reads the prompt, which makes no sense for these. */
function checkWarmUp(body: Fields, thinking: Thinking): void {
  const { stream, output_config: output } = body;
  const formatted = isFields(output) && output.format !== undefined && output.format !== null;
  if (stream === true || thinking.type === 'enabled' || formatted || isForced(body))
    throw invalid('max_tokens: 0 cannot be used with stream, enabled thinking, a format or a forced tool.');
}

function checkPrefill(body: Fields, isRefused: boolean, { type }: Thinking): void {
  const { role, words } = lastMessage(body);
  if (role !== 'assistant') return;
  if (isRefused)
    throw invalid(
      'This model does not support assistant message prefill. The conversation must end with a user message.',
    );
  if (type === 'enabled')
    throw invalid(
      'When `thinking` is enabled, a final `assistant` message must start with a thinking block. To avoid this requirement, disable `thinking`.',
    );
  if (words !== words.trimEnd())
    throw invalid('messages: final assistant content cannot end with trailing whitespace');
}

function readUserId(metadata: unknown): string | null {
  if (metadata === undefined) return null;
  const id = isFields(metadata) ? metadata.user_id : undefined;
  if (id === undefined || id === null) return null;
  if (typeof id !== 'string' || id.length > 256)
    throw invalid('metadata.user_id: Input should be a valid string of at most 256 characters');
  return id;
}

function readDiagnostics(diagnostics: unknown): string | null | undefined {
  if (diagnostics === undefined || diagnostics === null) return undefined;
  const id = isFields(diagnostics) ? diagnostics.previous_message_id : undefined;
  if (!isFields(diagnostics) || (id !== undefined && id !== null && typeof id !== 'string'))
    throw invalid('diagnostics.previous_message_id: Input should be a valid string');
  return id ?? null;
}
